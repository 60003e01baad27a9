"""The gradients of an optimiser step, and the loss where none are needed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from prefixrun.methods.base import Method
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Batch, LossMode, PairIds, Row, batches_of
from prefixrun.training.loss import target_nll
from prefixrun.training.process_group import ALONE, World

EVAL_BATCH = 32


@dataclass(frozen=True, slots=True)
class Step:
    """An optimiser step that waits for its gradients."""

    method: Method
    """Whose parameters' `grad` is to hold the gradient of the mean loss of the micro-batches; it is zero now."""
    micro_batches: Sequence[Sequence[Row]]
    loss_mode: LossMode
    stream: tuple[int, ...]
    """Names the random stream of its dropout."""
    lm_dropout: bool


@dataclass(frozen=True, slots=True)
class Gradients:
    """The gradients are there."""

    nll: float
    """Negative log-likelihood of all targets, in nats."""
    positions: int
    """Token positions of its own batches, padding included."""
    seconds: float
    joint: int = 1
    """Runs that shared the pass."""
    processes: int = 1
    """Processes that shared the rows."""


def gradients(step: Step, backbone: Backbone) -> Gradients:
    """One pass forward and back for each micro-batch."""
    started = time.perf_counter()
    nll, positions = 0.0, 0
    with dropout(step, backbone):
        for rows in step.micro_batches:
            batch = step.method.collate(backbone, rows, step.loss_mode)
            loss = batch_nll(step.method, backbone, batch) / len(step.micro_batches)
            loss.backward()
            nll += in_nats(loss, batch, step)
            positions += batch.computed
    return Gradients(nll, positions, time.perf_counter() - started)


def in_nats(loss: Tensor, batch: Batch, step: Step) -> float:
    """Negative log-likelihood of the targets of one micro-batch from its part of the step's loss, whatever the mode."""
    return loss.item() * len(step.micro_batches) / float(batch.factors[0])


@contextmanager
def dropout(step: Step, backbone: Backbone) -> Iterator[None]:
    """Draw a step's dropout from a stream of its own; that of the language model is off unless asked for."""
    step.method.train()
    backbone.model.train(step.lm_dropout)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(np.random.SeedSequence(step.stream).generate_state(1)[0].item())
        try:
            yield
        finally:
            step.method.eval()
            backbone.model.eval()


@torch.no_grad()
def mean_nll(method: Method, backbone: Backbone, pairs: Sequence[PairIds], world: World = ALONE) -> float:
    """Negative log-likelihood in nats a target token over all pairs, which the processes share."""
    rows = [Row(pair.source, (pair.target,)) for pair in pairs]
    nll, tokens = 0.0, 0
    for batch_rows in batches_of(rows, EVAL_BATCH, None)[world.rank :: world.size]:
        batch = method.collate(backbone, batch_rows, "token_mean")
        nll += float(batch_nll(method, backbone, batch)) * len(batch.labels)
        tokens += len(batch.labels)
    nll, all_tokens = world.total([nll, tokens])
    return nll / all_tokens


def batch_nll(method: Method, backbone: Backbone, batch: Batch) -> Tensor:
    """The loss of a batch: a float32 scalar, see loss.target_nll."""
    with method.attach(backbone):
        states = method.target_states(backbone, batch)
        return target_nll(states, backbone.head, batch.labels, batch.factors, backbone.head_bias)
