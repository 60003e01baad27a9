"""Configurations of the models by name, as published, and models with random weights.

The full ones, here and in `published`, are those of the configuration files on the Hugging Face hub; with them
parameters can be counted where the weights are missing. The tiny ones are for tests and smoke runs: two or three small
layers over bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    BartConfig,
    GPT2Config,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedModel,
    T5Config,
)

from prefixrun.models.published import PUBLISHED, published
from prefixrun.models.tokenizer import BEGIN_ID, END_ID, PAD_ID

_BYTE_VOCABULARY: dict[str, Any] = {
    "vocab_size": PAD_ID + 1,
    "bos_token_id": END_ID,
    "eos_token_id": END_ID,
    "pad_token_id": PAD_ID,
}


def _tiny_gpt2() -> GPT2Config:
    return GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=1024, **_BYTE_VOCABULARY)


def _tiny_llama() -> LlamaConfig:
    return LlamaConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,  # a byte is a token, and inputs of DART have up to 1,144
        tie_word_embeddings=True,
        **_BYTE_VOCABULARY,
    )


def _tiny_bart() -> BartConfig:
    return BartConfig(
        vocab_size=BEGIN_ID + 1,
        bos_token_id=BEGIN_ID,
        eos_token_id=END_ID,
        pad_token_id=PAD_ID,
        decoder_start_token_id=END_ID,
        forced_eos_token_id=None,
        **_bart_sizes(width=32, layers=2, heads=4, inner=64),
    )


def _tiny_t5() -> T5Config:
    return T5Config(
        vocab_size=PAD_ID + 1,
        eos_token_id=END_ID,
        pad_token_id=PAD_ID,
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=6,  # heads x d_kv is not d_model, as in the larger T5s
        relative_attention_num_buckets=8,
        relative_attention_max_distance=32,
        **_starts_with(PAD_ID),
    )


def _gpt2(width: int, layers: int, heads: int) -> GPT2Config:
    return GPT2Config(vocab_size=50_257, n_positions=1024, n_embd=width, n_layer=layers, n_head=heads)


def _bart(width: int, layers: int, heads: int) -> BartConfig:
    return BartConfig(vocab_size=50_265, **_bart_sizes(width, layers, heads, inner=4 * width))


def _bart_sizes(width: int, layers: int, heads: int, inner: int) -> dict[str, Any]:
    sizes = {"layers": layers, "attention_heads": heads, "ffn_dim": inner}
    of_stacks = {f"{stack}_{name}": value for stack in ("encoder", "decoder") for name, value in sizes.items()}
    return {"d_model": width, "max_position_embeddings": 1024, **of_stacks}


def _starts_with(token: int) -> dict[str, Any]:
    """As keyword arguments, because T5's configuration takes the token but does not declare it."""
    return {"decoder_start_token_id": token}


def _t5_base() -> T5Config:
    return T5Config(vocab_size=32_128, d_model=768, d_kv=64, d_ff=3072, num_layers=12, num_heads=12, **_starts_with(0))


def _smollm2_135m() -> LlamaConfig:
    return LlamaConfig(
        vocab_size=49_152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
    )


_CONFIGURATIONS: Mapping[str, Callable[[], PreTrainedConfig]] = {
    "tiny_gpt2": _tiny_gpt2,
    "tiny_llama": _tiny_llama,
    "tiny_bart": _tiny_bart,
    "tiny_t5": _tiny_t5,
    "gpt2": lambda: _gpt2(width=768, layers=12, heads=12),
    "gpt2_medium": lambda: _gpt2(width=1024, layers=24, heads=16),
    "gpt2_large": lambda: _gpt2(width=1280, layers=36, heads=20),
    "bart_base": lambda: _bart(width=768, layers=6, heads=12),
    "bart_large": lambda: _bart(width=1024, layers=12, heads=16),
    "t5_base": _t5_base,
    "smollm2_135m": _smollm2_135m,
}


def configuration(architecture: str) -> PreTrainedConfig:
    """The transformers configuration of an architecture (schema.ModelConfig.architecture)."""
    return published(architecture) if architecture in PUBLISHED else _CONFIGURATIONS[architecture]()


def from_configuration(config: PreTrainedConfig) -> PreTrainedModel:
    """A model with weights as transformers draws them. On the meta device it takes no memory."""
    family = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    model = family.from_config(config)  # type: ignore[no-untyped-call]
    assert isinstance(model, PreTrainedModel)
    model.tie_weights()  # transformers 5.0 does not on the meta device
    # T5's configuration ties the output layer whatever its file says; weights with one of their own untie it, which
    # are those that do not scale its input.
    if getattr(config, "scale_decoder_outputs", True) is False:
        output = model.get_output_embeddings()
        output.weight = nn.Parameter(output.weight.clone())
    return model


def random_model(architecture: str, seed: int = 0) -> PreTrainedModel:
    """A model with random weights that depend on the arguments alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = from_configuration(configuration(architecture))
        if architecture.startswith("tiny_"):
            _draw_wider(model)
    return model


def _draw_wider(model: PreTrainedModel) -> None:
    """Draw weights from N(0, 0.2): with the libraries' 0.02 all outputs of so small a model would be alike.

    T5 multiplies its last states by d^-0.5; the weight of its last norm makes up for that, as in a trained one.
    """
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.2)
        elif name == "decoder.final_layer_norm.weight":
            nn.init.constant_(parameter, math.sqrt(len(parameter)))
