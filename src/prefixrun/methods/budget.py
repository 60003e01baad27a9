"""The size of a method that stores a given share of the model's parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from prefixrun.config.method_sizes import size_override, with_size
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
    stored = _stored_counts(config, largest := largest_size(config, backbone))
    size = closest(stored, wanted, largest)
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


_counted: dict[tuple[ModelConfig, MethodConfig, int], tuple[int, int]] = {}
"""What sizes 1 and 2 store, by all else that the tensors of a method depend on: the points of a sweep share them."""


def _stored_counts(config: Config, largest: int | None) -> Callable[[int], int]:
    """The count of numbers that a method stores, by its size; it is linear in it, so that two sizes tell all."""
    key = (config.model, config.method, config.prefix_len)
    if key not in _counted:
        backbone = skeleton(config.model)
        first, second = (count(with_size(config, min(size, largest or size)), backbone).stored for size in (1, 2))
        _counted[key] = first, second
    first, second = _counted[key]
    return lambda size: first + (size - 1) * (second - first)


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
