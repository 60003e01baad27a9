"""The points of the curve: a usual one, and those that differ from it in prefix length, batch, input or targets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, cycle, islice

import numpy as np
import numpy.typing as npt

from benchmarks.plan import Plan
from benchmarks.sides import Setup
from prefixrun.models.batches import PairIds

TARGET_LENGTH = 30
"""Tokens of a target: about the mean of E2E."""


@dataclass(frozen=True, slots=True)
class Point:
    """Sizes of a training step."""

    prefix_len: int = 10
    batch: int = 8
    """Pairs."""
    input_length: int = 40
    """Tokens."""
    targets: int = 1
    """Targets behind one copy of their input; the pairs of a batch have so many to an input."""

    @property
    def label(self) -> str:
        return f"prefix {self.prefix_len}, batch {self.batch}, input {self.input_length}, targets {self.targets}"


USUAL = Point()
AXES: dict[str, tuple[int, ...]] = {
    "prefix_len": (1, 10, 50, 100, 200),
    "batch": (1, 8, 32),
    "input_length": (16, 40, 128, 400),
    "targets": (1, 2, 4, 8),
}


def points(plan: Plan) -> list[Point]:
    """The usual point and those along each axis; points=quick leaves out what is not an end of one."""
    along = [
        replace(USUAL, **{axis: value})
        for axis, values in AXES.items()
        for value in (values if plan.points == "full" else (values[0], values[-1]))
    ]
    return list(dict.fromkeys([USUAL, *along]))


def setup_at(setup: Setup, point: Point) -> Setup:
    """One batch of pairs of these sizes, from the tokens of the corpus, and a prefix of this length."""
    text = cycle(chain.from_iterable((*pair.source, *pair.target) for pair in setup.pairs))
    pairs: list[PairIds] = []
    while len(pairs) < point.batch:
        source = tuple(islice(text, point.input_length))
        for _ in range(min(point.targets, point.batch - len(pairs))):
            pairs.append(PairIds(source, tuple(islice(text, TARGET_LENGTH))))
    return replace(
        setup,
        plan=replace(setup.plan, prefix_len=point.prefix_len, train_batch=point.batch),
        prefix={site: _of_length(prefix, point.prefix_len) for site, prefix in setup.prefix.items()},
        pairs=tuple(pairs),
    )


def _of_length(prefix: npt.NDArray[np.float32], prefix_len: int) -> npt.NDArray[np.float32]:
    """Its positions, over and over."""
    return np.ascontiguousarray(prefix[:, :, :, np.arange(prefix_len) % prefix.shape[3]])
