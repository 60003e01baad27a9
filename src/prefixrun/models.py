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
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GPT2Config, LlamaConfig, PreTrainedModel
from transformers.utils import logging as transformers_logging

from prefixrun.attention import attention_sites, use_front_attention
from prefixrun.errors import ConfigError
from prefixrun.model_files import PACKAGE_FILE, ModelFiles, cache_directory, locate
from prefixrun.schema import ModelConfig
from prefixrun.tokens import Tokenizer, byte_tokenizer

FAMILIES = ("gpt2", "llama")


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
    def body(self) -> nn.Module:
        """The layers without the output layer: token ids in, last hidden states (batch, length, d) out."""
        body = self.model.base_model
        assert isinstance(body, nn.Module)
        return body

    def embed(self, ids: Tensor) -> Tensor:
        """Input embeddings of token ids: (..., d). Positions are not in them."""
        embeddings: Tensor = self.model.get_input_embeddings()(ids)
        return embeddings

    @property
    def head(self) -> Tensor:
        """Weight of the output layer: (vocabulary, d). Neither GPT-2 nor Llama has a bias there."""
        weight = self.model.get_output_embeddings().weight
        assert isinstance(weight, Tensor)
        return weight


@dataclass(frozen=True, slots=True)
class Shape:
    """What a prefix has to fit: one key and one value of head_dim numbers a layer, kv head and position."""

    layers: int
    kv_heads: int
    head_dim: int
    width: int
    context: int
    vocabulary: int


def shape_of(config: Any) -> Shape:
    """Read the shape off a transformers configuration."""
    heads = config.num_attention_heads
    return Shape(
        layers=config.num_hidden_layers,
        kv_heads=getattr(config, "num_key_value_heads", None) or heads,
        head_dim=getattr(config, "head_dim", None) or config.hidden_size // heads,
        width=config.hidden_size,
        context=config.max_position_embeddings,
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
        model, tokenizer = tiny(str(config.architecture)), byte_tokenizer(config.layout)
    else:
        directory = _dequantised(files) if config.source == "package" else files.directory
        assert directory is not None
        family = AutoConfig.from_pretrained(directory, local_files_only=True).model_type
        if family not in FAMILIES:
            raise ConfigError(
                f"model={config.name}: model_type {family!r} is not supported; there are {', '.join(FAMILIES)}"
            )
        model = AutoModelForCausalLM.from_pretrained(directory, local_files_only=True, dtype=torch.float32)
        tokenizer = Tokenizer(AutoTokenizer.from_pretrained(directory, local_files_only=True), config.layout)
    use_front_attention(model)
    model.requires_grad_(False)
    model.eval()
    nn.Module.to(model, torch.device(device), _DTYPES[precision])
    return Backbone(model, tokenizer, files)


_DTYPES: Mapping[str, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16}


def tiny(architecture: str, seed: int = 0) -> PreTrainedModel:
    """A random model of two or three small layers over bytes, for tests and smoke runs."""
    shape: dict[str, Any] = {"vocab_size": 258, "bos_token_id": 256, "eos_token_id": 256, "pad_token_id": 257}
    config: GPT2Config | LlamaConfig
    if architecture == "tiny_gpt2":
        config = GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=1024, **shape)
    else:
        config = LlamaConfig(
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            **shape,
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config)
        for parameter in model.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.2)  # the libraries' 0.02 makes all outputs of so small a model alike
    assert isinstance(model, PreTrainedModel)
    return model


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
