"""Losses of steps that are still on the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


class StepLoss(NamedTuple):
    """The loss of one step, read back."""

    step: int
    nll: float
    """Negative log-likelihood in nats of all targets of the step."""
    tokens: int
    """Those targets' tokens."""


@dataclass(frozen=True, slots=True)
class _Unread:
    step: int
    tokens: int
    losses: Sequence[Tensor]
    count: int
    weights: Sequence[float]


class UnreadLosses:
    """Losses of the micro-batches by step. Reading them back waits for the device, so many are read at once."""

    def __init__(self) -> None:
        self._steps: list[_Unread] = []

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, step: int, tokens: int, losses: Sequence[Tensor], count: int, weights: Sequence[float]) -> None:
        """The losses of a step's micro-batches: scalars of one device, each divided by `count`, the micro-batches of
        all processes.

        weights: the weight of each target in a micro-batch's loss, which divided by it is a sum over its targets.
        """
        self._steps.append(_Unread(step, tokens, [loss.detach() for loss in losses], count, weights))

    def read(self) -> list[StepLoss]:
        """All steps since the last reading, in their order."""
        steps, self._steps = self._steps, []
        numbers = iter(read_scalars([loss for step in steps for loss in step.losses]))
        losses = []
        for step in steps:
            nll = 0.0
            for weight in step.weights:
                nll += next(numbers) * step.count / weight
            losses.append(StepLoss(step.step, nll, step.tokens))
        return losses


def read_scalars(scalars: Sequence[Tensor]) -> list[float]:
    """The numbers of scalar tensors of one device, in one transfer."""
    return torch.stack(list(scalars)).tolist() if scalars else []
