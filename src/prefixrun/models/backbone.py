"""Frozen backbones: weights, tokenizer and the shape that methods need."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    LlamaConfig,
    PreTrainedModel,
)
from transformers.utils import logging as transformers_logging

from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError
from prefixrun.files import cache_directory
from prefixrun.models.attention import attention_sites, use_prefix_attention
from prefixrun.models.families import random_model
from prefixrun.models.tokenizer import Layout, Tokenizer, byte_tokenizer
from prefixrun.models.weights import PACKAGE_FILE, ModelFiles, locate

FAMILIES: Mapping[str, tuple[Layout, ...]] = {
    "gpt2": ("paper", "lines"),
    "llama": ("paper", "lines"),
    "bart": ("bart",),
    "t5": ("t5",),
}
"""The model families, each with the layouts of sequences that it can read."""


@dataclass(frozen=True, slots=True)
class Backbone:
    """A frozen language model with its tokenizer."""

    model: PreTrainedModel
    tokenizer: Tokenizer
    files: ModelFiles

    @property
    def shape(self) -> Shape:
        return shape_of(self.model.config)

    @property
    def sites(self) -> tuple[str, ...]:
        """Where a prefix can stand: see attention.attention_sites."""
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
        """The layers of a decoder-only model without the output layer: token ids in, last hidden states
        (batch, length, d) out."""
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
        """Input embeddings of token ids: (..., d). Positions are not in them."""
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
        """What last hidden states are multiplied by before the output layer: d^-0.5 in a T5 that shares it with the
        embeddings, 1 in all others."""
        scaled = getattr(self.model.config, "scale_decoder_outputs", False)
        return float(self.shape.width) ** -0.5 if scaled else 1.0

    def logits(self, states: Tensor) -> Tensor:
        """(..., vocabulary) of scaled last hidden states, as forward and forward_seq2seq return them: (..., d)."""
        logits: Tensor = self.model.get_output_embeddings()(states)
        return logits if self.head_bias is None else logits + self.head_bias


@dataclass(frozen=True, slots=True)
class Shape:
    """What a prefix has to fit: one key and one value of head_dim numbers a layer, kv head and position."""

    layers: int
    kv_heads: int
    head_dim: int
    width: int
    context: int | None
    """Positions that the model has, in encoder and decoder each; None where nothing limits them (T5)."""
    vocabulary: int


def shape_of(config: Any) -> Shape:
    """Read the shape off a transformers configuration; in an encoder-decoder both parts have it (`check_supported`)."""
    heads = config.num_attention_heads
    return Shape(
        layers=config.num_hidden_layers,
        kv_heads=getattr(config, "num_key_value_heads", None) or heads,
        head_dim=getattr(config, "head_dim", None) or config.hidden_size // heads,
        width=config.hidden_size,
        context=getattr(config, "max_position_embeddings", None),
        vocabulary=config.vocab_size,
    )


def load(config: ModelConfig, *, device: str = "cpu", precision: str = "fp32") -> Backbone:
    """Load a backbone, frozen and in eval mode, so that its dropout is off as in the paper's GPT-2 code.

    Raises:
        MissingPartError, ConfigError: see model_files.locate; also a model family this program does not know.
    """
    files = locate(config)
    transformers_logging.disable_progress_bar()  # the weights are there in a second; the bar would only interrupt
    if config.source == "random":
        model, tokenizer = random_model(str(config.architecture)), byte_tokenizer(config.layout)
        check_supported(config, model.config)
    else:
        directory = _dequantised(files) if config.source == "package" else files.directory
        assert directory is not None
        found = AutoConfig.from_pretrained(directory, local_files_only=True)
        check_supported(config, found)
        family = AutoModelForSeq2SeqLM if found.is_encoder_decoder else AutoModelForCausalLM
        model = family.from_pretrained(directory, local_files_only=True, dtype=torch.float32)
        tokenizer = Tokenizer(AutoTokenizer.from_pretrained(directory, local_files_only=True), config.layout)
    use_prefix_attention(model)
    model.requires_grad_(False)
    model.eval()
    nn.Module.to(model, torch.device(device), _DTYPES[precision])
    return Backbone(model, tokenizer, files)


_DTYPES: Mapping[str, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16}


def check_supported(config: ModelConfig, found: Any) -> None:
    """Refuse a model that this program cannot read, or not with these sequences."""
    family = found.model_type
    if family not in FAMILIES:
        raise ConfigError(
            f"model={config.name}: model_type {family!r} is not supported; there are {', '.join(FAMILIES)}"
        )
    if config.layout not in FAMILIES[family]:
        raise ConfigError(
            f"model.layout={config.layout}: does not fit model={config.name}, which is of the family {family}; give "
            f"model.layout={' or model.layout='.join(FAMILIES[family])}"
        )
    encoder = (found.num_hidden_layers, found.num_attention_heads)
    decoder = (
        getattr(found, "decoder_layers", None) or getattr(found, "num_decoder_layers", None) or encoder[0],
        getattr(found, "decoder_attention_heads", None) or encoder[1],
    )
    if encoder != decoder:
        raise ConfigError(
            f"model={config.name}: its encoder has {encoder[0]} layers of {encoder[1]} heads and its decoder "
            f"{decoder[0]} of {decoder[1]}; only models with the same in both are supported"
        )


def _dequantised(files: ModelFiles) -> Path:
    """Directory of the packaged model as plain float32 tensors; made once, then read in about a second.

    The tensors are copied into a model of a clean configuration, because transformers neither trains nor saves a
    model that still carries its GGUF quantisation.
    """
    assert files.directory is not None
    target = cache_directory() / f"smollm2-135m-{files.fingerprint[:12]}"
    if (target / "config.json").is_file():
        return target
    source = str(files.directory)
    quantised = AutoModelForCausalLM.from_pretrained(source, gguf_file=PACKAGE_FILE, dtype=torch.float32)
    plain = LlamaConfig(
        **{k: v for k, v in quantised.config.to_dict().items() if k not in ("quantization_config", "dtype")}
    )
    model = AutoModelForCausalLM.from_config(plain)
    model.load_state_dict(quantised.state_dict())
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="making-", dir=target.parent))
    try:
        model.save_pretrained(scratch)
        AutoTokenizer.from_pretrained(source, gguf_file=PACKAGE_FILE).save_pretrained(scratch)
        try:
            scratch.rename(target)
        except OSError:
            if not (target / "config.json").is_file():  # otherwise another process was first: its copy is the same
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target
