"""Methods: what is trained, by the name that `method=` takes. A new method is one file and one line in `BUILDERS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from prefixrun.config.method_specs import SIZES
from prefixrun.errors import ConfigError
from prefixrun.methods import adapter, embedding, finetune, infix, lora, prompt
from prefixrun.methods.base import Method, PrefixKeyValues
from prefixrun.methods.prefix import FixedPrefix, FlatPrefix, MLPPrefix, chosen_sites

if TYPE_CHECKING:
    from prefixrun.config.schema import Config
    from prefixrun.models.backbone import Backbone

__all__ = ["Method", "PrefixKeyValues", "build", "refuse", "refuse_length", "restore"]


def build(config: Config, backbone: Backbone) -> Method:
    """The method with its random start, drawn from a stream of its own; `Method.initialize` does the rest."""
    refuse(config, backbone)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return BUILDERS[config.method.name](config, backbone)


def restore(config: Config, backbone: Backbone, tensors: Mapping[str, Tensor]) -> Method:
    """A trained method ready for use, from what `Method.trained_tensors` gave."""
    return RESTORERS[config.method.name](config, backbone, tensors)


DECODER_ONLY = {
    "embedding": "virtual tokens stand in one sequence with input and output",
    "infix": "it stands between input and output in one sequence",
}
"""Methods that need a decoder-only model, with the reason."""


def refuse(config: Config, backbone: Backbone) -> None:
    """Raise ConfigError for a method, sites of a prefix or layers that the backbone cannot have, and MissingPartError
    for a method whose package is not installed."""
    name = config.method.name
    chosen_sites(config, backbone)
    if name in DECODER_ONLY and backbone.is_seq2seq:
        raise ConfigError(
            f"method={name}: needs a decoder-only model, because {DECODER_ONLY[name]}; "
            f"model={config.model.name} is an encoder-decoder"
        )
    if name == "lora":
        lora.check_installed()
    if name == "finetune_top":
        finetune.names(config, backbone.model)


def refuse_length(config: Config, backbone: Backbone) -> None:
    """Raise ConfigError for a prefix that leaves a decoder-only model no position for the text.

    How long input and output may be is known only when both are read: see stages.check_fit."""
    context = backbone.shape.context
    if SIZES.get(config.method.name) != "prefix_len" or backbone.is_seq2seq or context is None:
        return
    if config.prefix_len >= context:
        raise ConfigError(
            f"prefix_len={config.prefix_len}: model={config.model.name} has {context} positions for prefix, input and "
            "output together; give a shorter one"
        )


def _prefix(config: Config, backbone: Backbone) -> Method:
    return MLPPrefix(
        backbone.shape,
        chosen_sites(config, backbone),
        config.prefix_len,
        config.method.mid_dim,
        config.method.prefix_dropout,
    )


def _prefix_flat(config: Config, backbone: Backbone) -> Method:
    return FlatPrefix(backbone.shape, chosen_sites(config, backbone), config.prefix_len, config.method.prefix_dropout)


def _fixed(config: Config, backbone: Backbone, tensors: Mapping[str, Tensor]) -> Method:
    return FixedPrefix(tensors)


BUILDERS: Mapping[str, Callable[[Config, Backbone], Method]] = {
    "prefix": _prefix,
    "prefix_flat": _prefix_flat,
    "embedding": embedding.build,
    "infix": infix.build,
    "finetune": finetune.build,
    "finetune_top": finetune.build,
    "adapter": adapter.build,
    "lora": lora.build,
}

RESTORERS: Mapping[str, Callable[[Config, Backbone, Mapping[str, Tensor]], Method]] = {
    "prefix": _fixed,
    "prefix_flat": _fixed,
    "embedding": embedding.restore,
    "infix": infix.restore,
    "prompt": prompt.restore,
    "finetune": finetune.restore,
    "finetune_top": finetune.restore,
    "adapter": adapter.restore,
    "lora": lora.restore,
}
