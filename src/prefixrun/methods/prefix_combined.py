"""Two or more trained prefixes as one. The paper leaves open whether that is useful; these are the experiments."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from prefixrun.errors import ConfigError
from prefixrun.methods.base import PrefixKeyValues
from prefixrun.methods.prefix import refuse, restore

__all__ = ["combined", "refuse", "restore"]


def combined(
    combine: str, prefixes: Sequence[PrefixKeyValues], weights: Sequence[float] | None = None
) -> PrefixKeyValues:
    """The prefixes as one. combine: a value of method.combine; weights: of average and sum, 1 by default.

    A prefix holds no positions of its own, so with a longer one only the text's positions shift. Raises ConfigError for
    prefixes of other sites or another shape than the first's, and for another number of them than it takes.
    """
    _check_same_shape(prefixes, length_counts=combine != "concatenate")
    if combine == "concatenate":
        return {site: torch.cat([prefix[site] for prefix in prefixes], dim=3) for site in prefixes[0]}
    if combine == "keys_values":
        if len(prefixes) != 2:
            raise ConfigError(
                f"keys_values: takes the keys of one prefix and the values of another, not {len(prefixes)}"
            )
        first, second = prefixes
        return {site: torch.stack([first[site][:, 0], second[site][:, 1]], dim=1) for site in first}
    weights = weights or [1.0] * len(prefixes)
    divisor = sum(weights) if combine == "average" else 1.0
    return {site: _weighted([prefix[site] for prefix in prefixes], weights) / divisor for site in prefixes[0]}


def _weighted(tensors: Sequence[torch.Tensor], weights: Sequence[float]) -> torch.Tensor:
    total = torch.zeros_like(tensors[0])
    for tensor, weight in zip(tensors, weights, strict=True):
        total = total + weight * tensor
    return total


def _check_same_shape(prefixes: Sequence[PrefixKeyValues], *, length_counts: bool) -> None:
    """Raise ConfigError for prefixes of other sites or another shape than the first's."""
    if not prefixes:
        raise ConfigError("no prefixes were given; name at least one run")
    shapes = [
        {
            site: [size for axis, size in enumerate(tensor.shape) if length_counts or axis != 3]
            for site, tensor in prefix.items()
        }
        for prefix in prefixes
    ]
    for number, shape in enumerate(shapes[1:], start=2):
        if shape != shapes[0]:
            raise ConfigError(
                f"prefix {number} does not fit prefix 1: {shape} and {shapes[0]}; both must be of one model"
                + (" and one length" if length_counts else "")
            )
