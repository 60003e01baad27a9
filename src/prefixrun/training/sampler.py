"""Which rows each optimiser step trains on: pairs packed into rows, rows into batches, batches into steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prefixrun.config.schema import TrainConfig
from prefixrun.models.batches import PairIds, Row

POOL = 32
"""Batches whose rows are sorted by length together: little padding, and the order stays random."""


@dataclass(frozen=True, slots=True)
class StepBatches:
    """What one optimiser step is computed from."""

    micro_batches: tuple[tuple[Row, ...], ...]
    """`train.accumulate` batches, fewer at the end of an epoch, whose gradients are averaged."""
    ends_epoch: bool

    @property
    def rows(self) -> list[Row]:
        return [row for batch in self.micro_batches for row in batch]


def schedule_steps(pairs: Sequence[PairIds], config: TrainConfig, seed: int) -> list[StepBatches]:
    """The batches of all optimiser steps: every epoch in an order of its own, cut off after `max_steps`.

    They depend on the arguments alone, so that a resumed run needs no state of the sampler to go on.
    """
    steps: list[StepBatches] = []
    by_source = grouped(pairs)
    for epoch in range(config.epochs):
        batches = epoch_batches(
            by_source, targets_per_row=config.targets_per_row, batch_size=config.batch_size, seed=seed, epoch=epoch
        )
        starts = range(0, len(batches), config.accumulate)
        for start in starts:
            if len(steps) == config.max_steps:
                return steps
            is_last = start == starts[-1] or len(steps) + 1 == config.max_steps
            steps.append(StepBatches(tuple(map(tuple, batches[start : start + config.accumulate])), is_last))
    return steps


def epoch_batches(
    by_source: Sequence[Row], *, targets_per_row: int, batch_size: int, seed: int, epoch: int
) -> list[list[Row]]:
    """The batches of one epoch of `grouped` pairs. They depend on (seed, epoch) alone, so a resumed run needs no state
    to go on."""
    rng = np.random.default_rng([seed, epoch])
    return batches_of(pack(by_source, targets_per_row, rng), batch_size, rng)


def grouped(pairs: Sequence[PairIds]) -> list[Row]:
    """A row for each source with all of its targets. It is the same in all epochs, and looking up hundreds of thousands
    of long sources takes longer than all else that an epoch's batches need."""
    by_source: dict[tuple[int, ...], list[tuple[int, ...]]] = defaultdict(list)
    for pair in pairs:
        by_source[pair.source].append(pair.target)
    return [Row(source, tuple(targets)) for source, targets in by_source.items()]


def pack(by_source: Sequence[Row], targets_per_row: int, rng: np.random.Generator) -> list[Row]:
    """Rows of at most `targets_per_row` targets of the same source; which of them share a row is drawn from `rng`."""
    rows = []
    for row in by_source:
        if len(row.targets) == 1:  # nothing to draw; all epochs have the same object
            rows.append(row)
            continue
        shuffled = [row.targets[i] for i in rng.permutation(len(row.targets))]
        for start in range(0, len(shuffled), targets_per_row):
            rows.append(Row(row.source, tuple(shuffled[start : start + targets_per_row])))
    return rows


def batches_of(rows: Sequence[Row], batch_size: int, rng: np.random.Generator | None) -> list[list[Row]]:
    """Rows grouped into batches of `batch_size` pairs (fewer in the last; a row is never split).

    With `rng` the rows are shuffled, sorted by length within pools of POOL batches, and the batches shuffled; without
    it they are sorted by length as a whole, for evaluation.
    """
    if rng is None:
        return _fill(sorted(rows, key=lambda row: row.length), batch_size)
    order = [rows[i] for i in rng.permutation(len(rows))]
    pool = batch_size * POOL
    batches: list[list[Row]] = []
    for start in range(0, len(order), pool):
        batches += _fill(sorted(order[start : start + pool], key=lambda row: row.length), batch_size)
    return [batches[i] for i in rng.permutation(len(batches))]


def _fill(rows: Sequence[Row], batch_size: int) -> list[list[Row]]:
    batches: list[list[Row]] = []
    room = 0
    for row in rows:
        if not batches or len(row.targets) > room:
            batches.append([])
            room = batch_size
        batches[-1].append(row)
        room -= len(row.targets)
    return batches
