"""A frozen backbone: a language model of transformers with its tokenizer, and how it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer, PreTrainedModel
from transformers.utils import logging as transformers_logging

from prefixrun.config.schema import ModelConfig
from prefixrun.models.architectures import random_model
from prefixrun.models.attention import attention_sites, use_prefix_attention
from prefixrun.models.families import Shape, check_supported, shape_of
from prefixrun.models.gguf import dequantised
from prefixrun.models.tokenizer import Tokenizer, byte_tokenizer
from prefixrun.models.weights import ModelFiles, locate

DTYPES: Mapping[str, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16}
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
        """Number of parameters, a tied one counted once."""
        return sum(parameter.numel() for parameter in self.model.parameters())

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
    def head(self) -> Tensor:
        """Weight of the output layer: (vocabulary, d)."""
        weight = self.model.get_output_embeddings().weight
        assert isinstance(weight, Tensor)
        return weight

    @property
    def head_bias(self) -> Tensor | None:
        """Bias of the output layer: (vocabulary,). Only BART has one, zero in its published weights."""
        bias = getattr(self.model, "final_logits_bias", None)
        return None if bias is None else bias[0]

    @property
    def head_scale(self) -> float:
        """Factor of the last hidden states before the output layer: d^-0.5 in a T5 that shares this layer with the
        embeddings, 1 in all others."""
        is_scaled = getattr(self.model.config, "scale_decoder_outputs", False)
        return float(self.shape.width) ** -0.5 if is_scaled else 1.0

    def logits(self, states: Tensor) -> Tensor:
        """(..., vocabulary) of scaled last hidden states (..., d), as decoder_only and encoder_decoder return them."""
        logits: Tensor = self.model.get_output_embeddings()(states)
        return logits if self.head_bias is None else logits + self.head_bias


def load(config: ModelConfig, *, device: str = "cpu", precision: str = "fp32") -> Backbone:
    """Load a backbone, frozen and in eval mode, so that its dropout is off as in the paper's GPT-2 code.

    precision: a key of DTYPES.

    Raises:
        MissingPartError, ConfigError: see weights.locate and families.check_supported.
    """
    files = locate(config)
    transformers_logging.disable_progress_bar()  # the weights are there in a second; the bar would only interrupt
    if config.source == "random":
        model, tokenizer = random_model(str(config.architecture)), byte_tokenizer(config.layout)
        check_supported(config, model.config)
    else:
        directory = dequantised(files) if config.source == "package" else files.directory
        assert directory is not None
        model_config = AutoConfig.from_pretrained(directory, local_files_only=True)
        check_supported(config, model_config)
        family = AutoModelForSeq2SeqLM if model_config.is_encoder_decoder else AutoModelForCausalLM
        model = family.from_pretrained(directory, local_files_only=True, dtype=torch.float32)
        tokenizer = Tokenizer(AutoTokenizer.from_pretrained(directory, local_files_only=True), config.layout)
    backbone = frozen(model, tokenizer, files)
    nn.Module.to(backbone.model, torch.device(device), DTYPES[precision])
    return backbone


def frozen(model: PreTrainedModel, tokenizer: Tokenizer, files: ModelFiles) -> Backbone:
    """A backbone of a model: with prefix attention, without gradients, in eval mode."""
    use_prefix_attention(model)
    model.requires_grad_(False)
    model.eval()
    return Backbone(model, tokenizer, files)
