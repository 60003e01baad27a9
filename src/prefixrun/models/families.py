"""Which models can be used: those whose attention can be reached, whatever family they are of.

A model is looked at three times. Its configuration has to fit (`check_configuration`) and its attention modules have to
call a registered function (`attention_sites`); both need no weights. On load, `self_check` compares what it computes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError
from prefixrun.models.attention import attention_sites, is_attention

LAYER_TYPES = ("full_attention", "sliding_attention")
"""What transformers calls the kinds of attention that a layer may have here."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a prefix must fit: a key and a value of head_dim numbers for each layer, key/value head and position.

    In an encoder-decoder, encoder and decoder both have this shape (`check_configuration`).
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
    heads: int
    """Query heads of a layer."""


def shape_of(config: Any) -> Shape:
    """The shape in a transformers configuration."""
    heads = config.num_attention_heads
    kv_heads = 1 if getattr(config, "multi_query", False) else getattr(config, "num_key_value_heads", None)
    return Shape(
        layers=config.num_hidden_layers,
        kv_heads=kv_heads or heads,
        head_dim=getattr(config, "head_dim", None) or getattr(config, "d_kv", None) or config.hidden_size // heads,
        width=config.hidden_size,
        context=getattr(config, "max_position_embeddings", None),
        vocabulary=config.vocab_size,
        heads=heads,
    )


def check_configuration(config: ModelConfig, model_config: Any) -> None:
    """Refuse a transformers configuration that this program cannot use, with or without weights.

    Raises:
        ConfigError: a model of more than text; layers that are no attention, or none of a kind that is known here; a
            layout that the model cannot read; an encoder and a decoder of different shapes.
    """
    if hasattr(model_config, "text_config"):
        raise refusal(config, f"{model_config.model_type} reads more than text; give a model of text alone")
    if others := sorted(set(getattr(model_config, "layer_types", None) or ()) - set(LAYER_TYPES)):
        raise refusal(
            config, f"it has layers of {', '.join(others)}; only {' and '.join(LAYER_TYPES)} can have a prefix"
        )
    layouts = ("bart", "t5") if model_config.is_encoder_decoder else ("paper", "lines", "chat")
    if config.layout not in ("auto", *layouts):
        kind = "an encoder-decoder" if model_config.is_encoder_decoder else "a decoder-only model"
        raise ConfigError(
            f"model.layout={config.layout}: does not fit model={config.name} ({model_config.model_type}), which is "
            f"{kind}; give model.layout={' or model.layout='.join(layouts)}"
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
        raise refusal(
            config,
            f"its encoder has {encoder[0]} layers of {encoder[1]} heads and its decoder {decoder[0]} of {decoder[1]}; "
            "only models with the same in both are supported",
        )


def check_attention(config: ModelConfig, model: nn.Module, shape: Shape) -> None:
    """Refuse a model without one attention module a layer at every site. Raises ConfigError with the module."""
    sites = attention_sites(model)
    wanted = ("encoder", "decoder", "cross") if "cross" in sites or "encoder" in sites else ("decoder",)
    missing = next((site for site in wanted if len(sites.get(site, ())) != shape.layers), None)
    if missing is None:
        return
    if not sites:
        names = [type(module).__name__ for module in model.modules() if is_attention(module)]
        raise refusal(
            config,
            f"{names[-1] if names else type(model).__name__} of transformers computes attention itself instead of by a "
            "function that can be registered, so that no prefix can stand in front of it; another version of "
            "transformers may do so",
        )
    raise refusal(
        config,
        f"{type(model).__name__} has {len(sites.get(missing, ()))} attention modules of the site {missing} for "
        f"{shape.layers} layers; only models with one a layer are supported",
    )


def refusal(config: ModelConfig, reason: str) -> ConfigError:
    """The error for a model that cannot be used."""
    return ConfigError(f"model={config.name}: {reason}")
