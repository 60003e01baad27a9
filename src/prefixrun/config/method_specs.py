"""The number that says how large a method is, and the key that holds it. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from prefixrun.config.schema import Config

SIZES: Mapping[str, str] = {
    "prefix": "prefix_len",
    "prefix_flat": "prefix_len",
    "embedding": "prefix_len",
    "infix": "prefix_len",
    "adapter": "method.bottleneck",
    "lora": "method.rank",
    "finetune_top": "method.layers",
}
"""Method → the key of its size, which a budget can choose. The other methods have none."""


def size_of(config: Config) -> int | None:
    """The size of the method; None where it has none, or where it is still to be chosen."""
    key = SIZES.get(config.method.name)
    if key is None:
        return None
    section, _, name = key.rpartition(".")
    size: int | None = getattr(config.method if section else config, name)
    return size


def with_size(config: Config, size: int) -> Config:
    """The configuration with another size of its method, which must have one."""
    section, _, name = SIZES[config.method.name].rpartition(".")
    value: dict[str, Any] = {name: size}
    return replace(config, method=replace(config.method, **value)) if section else replace(config, **value)


def contradiction(config: Config, typed: Collection[str]) -> str | None:
    """What is wrong with a size and a budget that were both asked for. ``typed``: keys that were given a value by hand;
    what conf/ sets gives way to a budget."""
    key = SIZES.get(config.method.name)
    if config.budget is None or key not in typed:
        return None
    return f"{key}={size_of(config)}: budget={config.budget} chooses it; give one of them"


def said(config: Config) -> str:
    """The size as it would be typed, or nothing."""
    size = size_of(config)
    return "" if size is None else f"{SIZES[config.method.name]}={size}"
