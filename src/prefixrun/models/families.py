"""The model families that this program knows, and the shape that a prefix must fit.

A new family needs an entry here, the names of its layers in `blocks`, its cross attention in `attention`, if it has
one, and a tiny architecture in `architectures` for the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError, shortened
from prefixrun.models.tokenizer import Layout

FAMILIES: Mapping[str, tuple[Layout, ...]] = {
    "gpt2": ("paper", "lines"),
    "llama": ("paper", "lines"),
    "bart": ("bart",),
    "t5": ("t5",),
}
"""The families by transformers' `model_type`, with the layouts of sequences (models.tokenizer) that each can read."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a prefix must fit: a key and a value of head_dim numbers for each layer, key/value head and position.

    In an encoder-decoder, encoder and decoder both have this shape (`check_supported`).
    """

    layers: int
    kv_heads: int
    """Key/value heads of a layer; fewer than query heads where these are grouped (Llama)."""
    head_dim: int
    width: int
    """Numbers of a hidden state, d."""
    context: int | None
    """Positions of the model, in encoder and decoder each; None where nothing limits them (T5)."""
    vocabulary: int
    """Number of token ids."""


def shape_of(config: Any) -> Shape:
    """The shape in a transformers configuration."""
    heads = config.num_attention_heads
    return Shape(
        layers=config.num_hidden_layers,
        kv_heads=getattr(config, "num_key_value_heads", None) or heads,
        head_dim=getattr(config, "head_dim", None) or config.hidden_size // heads,
        width=config.hidden_size,
        context=getattr(config, "max_position_embeddings", None),
        vocabulary=config.vocab_size,
    )


def check_family(config: ModelConfig, family: object) -> None:
    """Raise ConfigError unless `family`, the `model_type` of a configuration, is one of FAMILIES."""
    if not isinstance(family, str) or family not in FAMILIES:
        raise ConfigError(
            f"model={config.name}: model_type {shortened(repr(family))} is not supported; there are "
            f"{', '.join(FAMILIES)}"
        )


def check_supported(config: ModelConfig, model_config: Any) -> None:
    """Refuse a transformers configuration that this program cannot use.

    Raises:
        ConfigError: an unknown family, a layout that the family cannot read, or an encoder and a decoder of different
            shapes.
    """
    family = model_config.model_type
    check_family(config, family)
    if config.layout not in FAMILIES[family]:
        raise ConfigError(
            f"model.layout={config.layout}: does not fit model={config.name}, which is of the family {family}; give "
            f"model.layout={' or model.layout='.join(FAMILIES[family])}"
        )
    # BART and T5 name the decoder's sizes differently; decoder-only models have none of the names.
    encoder = (model_config.num_hidden_layers, model_config.num_attention_heads)
    decoder = (
        getattr(model_config, "decoder_layers", None)
        or getattr(model_config, "num_decoder_layers", None)
        or encoder[0],
        getattr(model_config, "decoder_attention_heads", None) or encoder[1],
    )
    if encoder != decoder:
        raise ConfigError(
            f"model={config.name}: its encoder has {encoder[0]} layers of {encoder[1]} heads and its decoder "
            f"{decoder[0]} of {decoder[1]}; only models with the same in both are supported"
        )
