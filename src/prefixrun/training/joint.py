"""Several runs in one pass: the frozen backbone reads the rows of all of them, each behind its own run's prefix.

The loss of the pass is the sum of the runs' losses, and a row depends on its own prefix alone, so every run gets the
gradients it would have got alone, up to the order in which floating-point numbers are added. Order, dropout, learning
rate, clipping and optimiser are those of its own loop (train.Training).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import torch
from torch import Tensor

from prefixrun.methods.base import PrefixKeyValues
from prefixrun.models import decoder_only, encoder_decoder
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Batch
from prefixrun.training.gradients import Gradients, Step, dropout, gradients, in_nats
from prefixrun.training.loss import target_nll


@dataclass(frozen=True, slots=True)
class _Part:
    """What one step contributes to a pass: a micro-batch and the keys and values that its rows stand behind."""

    place: int
    step: Step
    batch: Batch
    flat: PrefixKeyValues


GoOn = Callable[[Gradients | None], Step | None]
"""Lets a training begin (None), or go on with the gradients of its last step, to its next step; None at its end."""


def together(trainings: Sequence[GoOn], backbone: Backbone) -> None:
    """Compute the gradients of several trainings, a step of each at a time, until all have ended."""
    given: Mapping[int, Gradients | None] = dict.fromkeys(range(len(trainings)))
    while given:
        waiting = {place: step for place, last in given.items() if (step := trainings[place](last))}
        given = dict(zip(waiting, gradients_together(list(waiting.values()), backbone), strict=True))


def gradients_together(steps: Sequence[Step], backbone: Backbone) -> list[Gradients]:
    """The gradients of every step, in one pass forward and back for each micro-batch.

    The steps are of different methods that act by `Method.key_values` alone, at the same sites, without dropout in the
    language model. The time is shared out by the token positions of each step's own batches.
    """
    if len(steps) < 2:  # exactly as alone
        return [gradients(step, backbone) for step in steps]
    started = time.perf_counter()
    parts = [_parts(place, step, backbone) for place, step in enumerate(steps)]
    nll, positions = [0.0] * len(steps), [0] * len(steps)
    for micro_batches in zip_longest(*parts):
        present = [part for part in micro_batches if part is not None]
        losses = _losses(present, backbone)
        torch.stack(losses).sum().backward()
        for part, loss in zip(present, losses, strict=True):
            nll[part.place] += in_nats(loss, part.batch, part.step)
            positions[part.place] += part.batch.computed
    each = (time.perf_counter() - started) / sum(positions)
    return [
        Gradients(own_nll, own_positions, each * own_positions, joint=len(steps))
        for own_nll, own_positions in zip(nll, positions, strict=True)
    ]


def _parts(place: int, step: Step, backbone: Backbone) -> list[_Part]:
    """One for each micro-batch of a step; the dropout on its prefix is drawn from its own stream."""
    with dropout(step, backbone):
        return [
            _Part(place, step, step.method.collate(backbone, rows, step.loss_mode), step.method.key_values(backbone))
            for rows in step.micro_batches
        ]


def _losses(parts: Sequence[_Part], backbone: Backbone) -> list[Tensor]:
    """Each part's share of its step's loss."""
    read = encoder_decoder if backbone.is_seq2seq else decoder_only
    states = read.target_states_together(backbone, [part.batch for part in parts], [part.flat for part in parts])
    return [
        target_nll(own, backbone.head, part.batch.labels, part.batch.factors, backbone.head_bias)
        / len(part.step.micro_batches)
        for part, own in zip(parts, states, strict=True)
    ]
