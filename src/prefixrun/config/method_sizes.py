"""How large the method of a configuration is: the setting that a budget chooses."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.config.schema import Config


def size_of(config: Config) -> int | None:
    """The size of the method; None where it has none, or where it is still to be chosen."""
    key = METHOD_SPECS[config.method.name].size_key
    if key is None:
        return None
    section, _, name = key.rpartition(".")
    size: int | str | None = getattr(config.method if section else config, name)
    return size if isinstance(size, int) else None


def with_size(config: Config, size: int) -> Config:
    """The configuration with another size of its method, which must have one."""
    key = METHOD_SPECS[config.method.name].size_key
    assert key is not None, f"method={config.method.name} has no size"
    section, _, name = key.rpartition(".")
    value: dict[str, Any] = {name: size}
    return replace(config, method=replace(config.method, **value)) if section else replace(config, **value)


def size_contradiction(config: Config, user_keys: Collection[str]) -> str | None:
    """What is wrong with a size and a budget that the user both asked for. user_keys: the keys of the command line;
    what conf/ sets gives way to a budget."""
    key = METHOD_SPECS[config.method.name].size_key
    if config.budget is None or key not in user_keys:
        return None
    return f"{key}={size_of(config)}: budget={config.budget} chooses it; give one of them"


def size_override(config: Config) -> str:
    """The size as it would be typed, or nothing."""
    size = size_of(config)
    return "" if size is None else f"{METHOD_SPECS[config.method.name].size_key}={size}"
