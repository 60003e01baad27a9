"""A frozen backbone: a language model of transformers with its tokenizer, and how it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.utils import logging as transformers_logging

from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError, reading
from prefixrun.models import quantised
from prefixrun.models.architectures import random_model
from prefixrun.models.attention import attention_sites, use_prefix_attention
from prefixrun.models.checkpoint import load_model
from prefixrun.models.configuration import configuration, quiet
from prefixrun.models.families import Shape, check_attention, check_configuration, shape_of
from prefixrun.models.first_layers import keep_first
from prefixrun.models.gguf import dequantised
from prefixrun.models.layouts import layout_of
from prefixrun.models.model_directory import ModelDirectory, contents
from prefixrun.models.self_check import check_once
from prefixrun.models.tokenizer import Tokenizer, byte_tokenizer
from prefixrun.models.tokenizer_files import load_tokenizer
from prefixrun.models.transformers_names import scales_decoder_outputs
from prefixrun.models.weights import ModelFiles, locate

DTYPES: Mapping[str, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
"""Number formats of the weights by the name that `precision` takes."""


@dataclass(frozen=True, slots=True)
class Backbone:
    """A frozen language model with its tokenizer, the same interface for all families.

    Hidden states are (..., d), with d = `shape.width`; "scaled" ones have been multiplied by `head_scale`.
    """

    model: PreTrainedModel
    tokenizer: Tokenizer
    files: ModelFiles

    @property
    def shape(self) -> Shape:
        """What a prefix must fit."""
        return shape_of(self.model.config)

    @property
    def sites(self) -> tuple[str, ...]:
        """The attention sites that can have a prefix, see attention.attention_sites."""
        return tuple(attention_sites(self.model))

    @property
    def is_seq2seq(self) -> bool:
        """Whether an encoder reads the input and a decoder writes the output."""
        return bool(self.model.config.is_encoder_decoder)

    @property
    def total(self) -> int:
        """Number of parameters, quantised ones too, a tied one counted once."""
        return sum(parameter.numel() for parameter in self.model.parameters()) + quantised.count(self.model)

    @property
    def body(self) -> nn.Module:
        """A decoder-only model without its output layer: token ids (rows, length) to last hidden states."""
        body = self.model.base_model
        assert isinstance(body, nn.Module)
        return body

    @property
    def encoder(self) -> nn.Module:
        """The encoder of an encoder-decoder."""
        encoder = self.model.get_encoder()
        assert isinstance(encoder, nn.Module)
        return encoder

    @property
    def decoder(self) -> nn.Module:
        """The decoder of an encoder-decoder, without the output layer."""
        decoder = self.model.get_decoder()
        assert isinstance(decoder, nn.Module)
        return decoder

    def embed(self, ids: Tensor) -> Tensor:
        """Input embeddings (..., d) of token ids (...), without position embeddings."""
        embeddings: Tensor = self.model.get_input_embeddings()(ids)
        return embeddings

    @property
    def embedding_width(self) -> int:
        """Numbers of an input embedding, e: d in most models; OPT-350m projects smaller ones."""
        weight = self.model.get_input_embeddings().weight
        assert isinstance(weight, Tensor)
        return weight.shape[1]

    @property
    def head(self) -> Tensor:
        """Weight of the output layer: (vocabulary, d)."""
        weight = self.model.get_output_embeddings().weight
        assert isinstance(weight, Tensor)
        return weight

    @property
    def head_bias(self) -> Tensor | None:
        """Bias of the output layer: (vocabulary,). Phi has one that is trained, and BART and its relatives a constant
        one, zero in most published weights."""
        trained: Tensor | None = getattr(self.model.get_output_embeddings(), "bias", None)
        constant: Tensor | None = getattr(self.model, "final_logits_bias", None)
        return trained if constant is None else constant[0]

    @property
    def head_scale(self) -> float:
        """Factor of the last hidden states before the output layer, or of what it computes, which is the same: d^-0.5
        in a T5 that shares this layer with the embeddings, a number of its own in Granite and Cohere, 1 in others."""
        config: Any = self.model.config
        if scales_decoder_outputs(config):
            of_width: float = float(self.shape.width) ** -0.5
            return of_width
        scale = float(getattr(config, "logit_scale", None) or 1.0)
        return scale / float(getattr(config, "logits_scaling", None) or 1.0)

    @property
    def head_cap(self) -> float | None:
        """A logit z becomes cap x tanh(z / cap) (Gemma 2); None in most models."""
        cap = getattr(self.model.config, "final_logit_softcapping", None)
        return None if cap is None else float(cap)

    def scaled(self, states: Tensor) -> Tensor:
        """Last hidden states (..., d) with `head_scale` in them."""
        return states if self.head_scale == 1.0 else states * self.head_scale

    def logits(self, states: Tensor) -> Tensor:
        """(..., vocabulary) of scaled last hidden states (..., d), as decoder_only and encoder_decoder return them."""
        logits: Tensor = self.model.get_output_embeddings()(states)
        if (constant := getattr(self.model, "final_logits_bias", None)) is not None:
            logits = logits + constant[0]
        return logits if self.head_cap is None else torch.tanh(logits / self.head_cap) * self.head_cap


def load(config: ModelConfig, *, device: str = "cpu", precision: str = "fp32") -> Backbone:
    """Load a backbone, frozen and in eval mode, so that its dropout is off as in the paper's GPT-2 code.

    precision: a key of DTYPES.

    Raises:
        MissingPartError, ConfigError: see weights.locate, configuration, tokenizer_files, checkpoint, families,
            self_check, first_layers and quantised.
    """
    files = locate(config)
    transformers_logging.disable_progress_bar()  # the weights are there in a second; the bar would only interrupt
    if config.source == "random":
        model = random_model(str(config.architecture))
        check_configuration(config, model.config)
        tokenizer = byte_tokenizer(layout_of(config, model.config.to_dict()))
    else:
        directory, model_config, tokenizer = _read_without_weights(config, files)
        model = load_model(directory, model_config)
        check_attention(config, model, shape_of(model_config))
    backbone = frozen(model, tokenizer, files)
    if config.source != "random":
        _check_computes(config, backbone, directory.label)
    keep_first(config, backbone.model)
    if config.quantize is not None:
        quantised.quantise(config, backbone.model, torch.device(device), DTYPES[precision])
    nn.Module.to(backbone.model, torch.device(device), DTYPES[precision])
    return backbone


def tokenizer_of(config: ModelConfig) -> Tokenizer:
    """The tokenizer of a model whose weights are not needed. Raises as `load`."""
    files = locate(config)
    if config.source == "random":
        return byte_tokenizer()
    return _read_without_weights(config, files)[2]


def _read_without_weights(config: ModelConfig, files: ModelFiles) -> tuple[ModelDirectory, PreTrainedConfig, Tokenizer]:
    """The directory of a model, its configuration and its tokenizer."""
    directory = files.contents or _of_package(files)
    model_config = configuration(config, directory.config, directory.label)
    return directory, model_config, load_tokenizer(directory, model_config, layout_of(config, model_config.to_dict()))


def _of_package(files: ModelFiles) -> ModelDirectory:
    """The model of the package, from the copy in this user's cache that `gguf` makes of it."""
    directory = dequantised(files)
    return contents(directory, f"{directory} (delete it, and it is made again)")


def _check_computes(config: ModelConfig, backbone: Backbone, label: str) -> None:
    """One forward pass over end tokens, which must give finite numbers, and the check against transformers.

    Raises ConfigError: what is left to be wrong is in config.json, such as an epsilon that makes every output NaN, or
    a model that computes what this program does not; see self_check.
    """
    length = 1 + getattr(backbone.model.config, "relative_attention_num_buckets", 0)  # T5's: every bucket is used
    ids = torch.full((1, length), backbone.tokenizer.end)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if backbone.is_seq2seq:
        inputs["decoder_input_ids"] = ids
    advice = "give the file that belongs to the weights"
    with quiet(), reading(f"{label}: config.json", advice, ConfigError), torch.no_grad():
        logits = backbone.model(**inputs, use_cache=False).logits
        if not logits.isfinite().all():
            raise ConfigError(f"{label}: with config.json the model computes numbers that are not finite; {advice}")
        check_once(config, backbone)


def frozen(model: PreTrainedModel, tokenizer: Tokenizer, files: ModelFiles) -> Backbone:
    """A backbone of a model: with prefix attention, without gradients, in eval mode."""
    use_prefix_attention(model)
    model.requires_grad_(False)
    model.eval()
    return Backbone(model, tokenizer, files)
