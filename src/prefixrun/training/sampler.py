"""Which rows each optimiser step trains on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prefixrun.config.schema import TrainConfig
from prefixrun.models.batches import PairIds, Row, epoch_batches


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
    for epoch in range(config.epochs):
        batches = epoch_batches(
            pairs, targets_per_row=config.targets_per_row, batch_size=config.batch_size, seed=seed, epoch=epoch
        )
        starts = range(0, len(batches), config.accumulate)
        for start in starts:
            if len(steps) == config.max_steps:
                return steps
            is_last = start == starts[-1] or len(steps) + 1 == config.max_steps
            steps.append(StepBatches(tuple(map(tuple, batches[start : start + config.accumulate])), is_last))
    return steps
