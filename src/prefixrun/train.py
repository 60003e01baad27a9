"""Training: one loop over batches, AdamW with linear decay, resumable at every checkpoint."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from prefixrun.checkpoint import Checkpoint, Checkpoints
from prefixrun.data.batches import Batch, PairIds, Row, batches_of, epoch_batches
from prefixrun.errors import PrefixrunError
from prefixrun.interrupts import deferred
from prefixrun.loss import target_nll
from prefixrun.methods.base import Method
from prefixrun.models import Backbone
from prefixrun.schema import TrainConfig

EVAL_BATCH = 32


@dataclass(slots=True)
class Progress:
    """Where training is and what it has cost; saved in every checkpoint."""

    step: int = 0
    seconds: float = 0.0
    pair_tokens: int = 0
    """Tokens of the pairs seen, each written out alone: comparable between packed and unpacked batches."""
    positions: int = 0
    """Token positions computed, padding included."""
    epoch_nll: float = 0.0
    epoch_tokens: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    """One entry an evaluation: step, train_loss since the one before and dev_loss, both nats a target token."""


Report = Callable[[Progress, int, float], None]
"""Called after every step with the progress, the number of steps in all and the batch's loss in nats a token."""


def train(
    method: Method,
    backbone: Backbone,
    pairs: Sequence[PairIds],
    dev: Sequence[PairIds],
    config: TrainConfig,
    *,
    seed: int,
    checkpoints: Checkpoints,
    report: Report,
) -> tuple[Progress, dict[str, Tensor]]:
    """Train `method` in place; returns what it took and what is kept of it (Method.stored), the last or the best.

    Continues from the newest checkpoint, with the same result to the bit as an uninterrupted run on the same machine:
    an epoch's order and a step's dropout depend on (seed, epoch or step) alone. On SIGINT and SIGTERM a checkpoint is
    written after the step.

    Raises:
        PrefixrunError: the loss is not a number.
        DamagedStateError: no checkpoint can be read.
    """
    loop = _Loop(method, backbone, dev, config, seed, checkpoints, report)
    plan = _plan(pairs, config, seed)
    steps = sum(len(epoch) for epoch in plan)
    first = 0
    with deferred() as interruption:
        for epoch in plan:
            for index, micro_batches in enumerate(epoch):
                if first + index < loop.progress.step or loop.out_of_patience():
                    continue
                loop.step(micro_batches, steps, ends_epoch=index == len(epoch) - 1)
                if interruption or loop.progress.step % config.checkpoint_every == 0 or loop.progress.step == steps:
                    loop.save()
                if interruption:
                    break  # leaving the block raises the signal
            if interruption:
                break
            first += len(epoch)
    return loop.progress, loop.kept()


class _Loop:
    """The state of one training: everything that a checkpoint holds."""

    def __init__(
        self,
        method: Method,
        backbone: Backbone,
        dev: Sequence[PairIds],
        config: TrainConfig,
        seed: int,
        checkpoints: Checkpoints,
        report: Report,
    ) -> None:
        self.method, self.backbone, self.dev, self.config, self.seed = method, backbone, dev, config, seed
        self._checkpoints, self._report = checkpoints, report
        self._parameters = [parameter for parameter in method.parameters() if parameter.requires_grad]
        self._optimiser = torch.optim.AdamW(
            self._parameters,
            lr=config.lr,
            betas=(config.adam_beta1, config.adam_beta2),
            eps=config.adam_eps,
            weight_decay=config.weight_decay,
        )
        self._best: dict[str, Tensor] = {}
        self.progress = self._resume()

    def step(self, micro_batches: Sequence[Sequence[Row]], steps: int, *, ends_epoch: bool) -> None:
        """One optimiser step, with the evaluation that is due after it."""
        started = time.perf_counter()
        progress, config = self.progress, self.config
        for group in self._optimiser.param_groups:
            group["lr"] = config.lr * schedule(progress.step, steps, config.warmup_steps)
        with self._dropout():
            loss = self._descend(micro_batches)
        progress.step += 1
        progress.seconds += time.perf_counter() - started
        due = ends_epoch if config.eval_every is None else progress.step % config.eval_every == 0
        if due or progress.step == steps:
            self._evaluate()
        self._report(progress, steps, loss)

    def out_of_patience(self) -> bool:
        """Whether the dev loss has not improved for more than `patience` evaluations."""
        losses = [entry["dev_loss"] for entry in self.progress.history if "dev_loss" in entry]
        return self.config.patience is not None and len(losses) - 1 - _argmin(losses) > self.config.patience

    def kept(self) -> dict[str, Tensor]:
        """The last state, or with keep=best the one of the lowest dev loss."""
        return self._best or self.method.stored()

    def _descend(self, micro_batches: Sequence[Sequence[Row]]) -> float:
        """Move the parameters once; returns the loss in nats a target token, whatever the loss mode."""
        self._optimiser.zero_grad()
        progress, nll, tokens = self.progress, 0.0, 0
        for rows in micro_batches:
            batch = self.method.collate(self.backbone, rows, self.config.loss_mode)
            loss = _nll(self.method, self.backbone, batch) / len(micro_batches)
            loss.backward()
            nll += loss.item() * len(micro_batches) / float(batch.factors[0])
            tokens += len(batch.labels)
            progress.pair_tokens += batch.pair_tokens
            progress.positions += batch.computed
        if nll != nll:
            raise PrefixrunError(
                f"step {progress.step + 1}: the loss is not a number; lower train.lr (now {self.config.lr:g})"
            )
        torch.nn.utils.clip_grad_norm_(self._parameters, self.config.clip_norm)
        self._optimiser.step()
        progress.epoch_nll += nll
        progress.epoch_tokens += tokens
        return nll / tokens

    @contextmanager
    def _dropout(self) -> Iterator[None]:
        """Draw this step's dropout from a stream of its own; that of the language model is off unless asked for."""
        self.method.train()
        self.backbone.model.train(self.config.lm_dropout)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(np.random.SeedSequence([self.seed, 1, self.progress.step]).generate_state(1)[0].item())
            try:
                yield
            finally:
                self.method.eval()
                self.backbone.model.eval()

    def _evaluate(self) -> None:
        progress = self.progress
        entry = {"step": progress.step, "train_loss": progress.epoch_nll / progress.epoch_tokens}
        if self.dev:
            before = [one["dev_loss"] for one in progress.history if "dev_loss" in one]
            entry["dev_loss"] = mean_nll(self.method, self.backbone, self.dev)
            if self.config.keep == "best" and entry["dev_loss"] < min(before, default=math.inf):
                self._best = {name: tensor.detach().clone() for name, tensor in self.method.stored().items()}
        progress.history.append(entry)
        progress.epoch_nll, progress.epoch_tokens = 0.0, 0

    def save(self) -> None:
        """Write a checkpoint."""
        tensors: dict[str, Tensor] = {
            f"parameter/{name}": parameter for name, parameter in self.method.named_parameters()
        }
        for index, state in self._optimiser.state_dict()["state"].items():
            tensors |= {f"adam/{index}/{name}": torch.as_tensor(value) for name, value in state.items()}
        tensors |= {f"best/{name}": tensor for name, tensor in self._best.items()}
        values = {name: getattr(self.progress, name) for name in Progress.__dataclass_fields__}
        self._checkpoints.save(Checkpoint(self.progress.step, tensors, values))

    def _resume(self) -> Progress:
        checkpoint, _ = self._checkpoints.latest()
        if checkpoint is None:
            return Progress()
        with torch.no_grad():
            for name, parameter in self.method.named_parameters():
                parameter.copy_(checkpoint.tensors[f"parameter/{name}"])
        state: dict[int, dict[str, Tensor]] = {}
        for key, tensor in checkpoint.tensors.items():
            kind, _, rest = key.partition("/")
            if kind == "adam":
                index, _, name = rest.partition("/")
                state.setdefault(int(index), {})[name] = tensor
            elif kind == "best":
                self._best[rest] = tensor
        self._optimiser.load_state_dict({**self._optimiser.state_dict(), "state": state})
        return Progress(**checkpoint.values)


def _argmin(values: Sequence[float]) -> int:
    return min(range(len(values)), key=values.__getitem__, default=0)


def schedule(step: int, steps: int, warmup: int) -> float:
    """Factor of the learning rate at `step` (from 0): linear up to `warmup`, then linear down to 0 after the last."""
    if step < warmup:
        return step / warmup
    return (steps - step) / max(1, steps - warmup)


@torch.no_grad()
def mean_nll(method: Method, backbone: Backbone, pairs: Sequence[PairIds]) -> float:
    """Negative log-likelihood in nats a target token over all pairs."""
    rows = [Row(pair.source, (pair.target,)) for pair in pairs]
    total, tokens = 0.0, 0
    for batch_rows in batches_of(rows, EVAL_BATCH, None):
        batch = method.collate(backbone, batch_rows, "token_mean")
        total += float(_nll(method, backbone, batch)) * len(batch.labels)
        tokens += len(batch.labels)
    return total / tokens


def _nll(method: Method, backbone: Backbone, batch: Batch) -> Tensor:
    with method.on(backbone):
        states = method.target_states(backbone, batch)
        return target_nll(states, backbone.head, batch.labels, batch.factors, backbone.head_bias)


def _plan(pairs: Sequence[PairIds], config: TrainConfig, seed: int) -> list[list[list[list[Row]]]]:
    """Epochs of optimiser steps of micro-batches of rows, cut off after max_steps."""
    room = config.max_steps
    plan = []
    for epoch in range(config.epochs):
        batches = epoch_batches(
            pairs, targets_per_row=config.targets_per_row, batch_size=config.batch_size, seed=seed, epoch=epoch
        )
        steps = [batches[start : start + config.accumulate] for start in range(0, len(batches), config.accumulate)]
        if room is not None:
            steps = steps[:room]
            room -= len(steps)
        if steps:
            plan.append(steps)
    return plan
