"""The size of a method that stores a given share of the model's parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import nn

from prefixrun.errors import ConfigError

if TYPE_CHECKING:
    from prefixrun.schema import Config


def solved(config: Config, model: nn.Module, stored: Callable[[int], int]) -> int:
    """The size whose stored count comes closest to the budget, at least 1.

    stored: numbers that a size stores; grows with it. Raises ConfigError for sizes that the model cannot have.
    """
    assert config.budget is not None, "the rules ask for a size or a budget"
    total = sum(parameter.numel() for parameter in model.parameters())
    wanted = float(config.budget.removesuffix("%")) / 100 * total
    return closest(stored, wanted)


def closest(stored: Callable[[int], int], wanted: float) -> int:
    """The size from 1 on whose count is nearest to `wanted`; the largest possible one where that is too small."""
    size, count = 1, stored(1)
    while count < wanted:
        try:
            larger = stored(size + 1)
        except ConfigError:
            return size
        if larger - wanted > wanted - count:
            return size
        size, count = size + 1, larger
    return size
