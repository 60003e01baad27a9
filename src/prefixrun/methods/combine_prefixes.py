"""Two or more trained prefixes as one. The paper leaves open whether that is useful; these are the experiments."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from prefixrun.errors import ConfigError
from prefixrun.methods.base import PrefixKeyValues


def concatenate(prefixes: Sequence[PrefixKeyValues]) -> PrefixKeyValues:
    """One behind the other, in their order; text of a decoder-only model then starts behind the sum of the lengths.

    A prefix holds no positions of its own, so only the text's positions shift. Raises ConfigError as _check_same_shape.
    """
    _check_same_shape(prefixes, length_counts=False)
    return {site: torch.cat([flat[site] for flat in prefixes], dim=3) for site in prefixes[0]}


def average(prefixes: Sequence[PrefixKeyValues]) -> PrefixKeyValues:
    """The mean of keys and values, position by position.

    Raises ConfigError as _check_same_shape, and for unequal lengths.
    """
    _check_same_shape(prefixes, length_counts=True)
    return {site: torch.stack([flat[site] for flat in prefixes]).mean(dim=0) for site in prefixes[0]}


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
