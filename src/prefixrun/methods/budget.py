"""The size of a method that stores a given share of the model's parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from prefixrun.config.method_specs import size_override, with_size
from prefixrun.errors import ConfigError
from prefixrun.methods import largest_size, refuse_length
from prefixrun.methods.parameter_count import count
from prefixrun.models.skeleton import skeleton

if TYPE_CHECKING:
    from prefixrun.config.schema import Config, MethodConfig, ModelConfig
    from prefixrun.models.backbone import Backbone


def solved(config: Config) -> Config:
    """The configuration with the size whose stored count comes closest to its budget, at least 1. No weights are read.

    Raises ConfigError for a method that the model cannot have, MissingPartError when its shape is not known.
    """
    assert config.budget is not None
    backbone = skeleton(config.model)
    wanted = float(config.budget.removesuffix("%")) / 100 * _total(config.model)
    size = closest(lambda size: _stored_count(with_size(config, size)), wanted, largest_size(config, backbone))
    sized = with_size(config, size)
    try:
        refuse_length(sized, backbone)
    except ConfigError as error:
        raise ConfigError(f"budget={config.budget}: the size that comes closest is {error}") from error
    return sized


@cache
def _total(model: ModelConfig) -> int:
    """Number of parameters of a model, counted once in a process."""
    return skeleton(model).total


_stored_counts: dict[tuple[ModelConfig, MethodConfig, int], int] = {}
"""By all that the tensors of a method depend on; points of a sweep that differ in other settings share the counts."""


def _stored_count(config: Config) -> int:
    """Numbers that a configuration stores; its method is built once in a process."""
    key = (config.model, config.method, config.prefix_len)
    if key not in _stored_counts:
        _stored_counts[key] = count(config, skeleton(config.model)).stored
    return _stored_counts[key]


def closest(stored: Callable[[int], int], wanted: float, largest: int | None = None) -> int:
    """The size from 1 to `largest` whose count is nearest to `wanted`; of two the smaller.

    stored: count of a size, linear in it.
    """
    first = stored(1)
    if largest == 1:
        return 1
    guess = 1 + round((wanted - first) / (stored(2) - first))
    near = [max(1, size if largest is None else min(size, largest)) for size in (guess - 1, guess, guess + 1)]
    return min(near, key=lambda size: (abs(stored(size) - wanted), size))


def describe(config: Config) -> str:
    """What a budget has come to, for the beginning of a run."""
    counted = count(config, skeleton(config.model))
    return (
        f"budget {config.budget}: {size_override(config)} stores {counted.stored:,} numbers, "
        f"{counted.stored_share:.2g} % of the model's {counted.total:,}"
    )


def check_total(config: Config, backbone: Backbone) -> None:
    """Raise ConfigError when the loaded model has another number of parameters than the shapes the budget was solved
    for, as when model.hub names a model that model.architecture does not describe."""
    expected = skeleton(config.model).total
    if backbone.total != expected:
        raise ConfigError(
            f"budget={config.budget}: was solved for a model of {expected:,} parameters "
            f"(model.architecture={config.model.architecture}), and {config.model.name} has {backbone.total:,}; give "
            f"the size itself, as in {size_override(config)}"
        )
