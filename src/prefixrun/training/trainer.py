"""Training: one loop over batches, AdamW with linear decay, resumable at every checkpoint.

The loop asks for gradients and does not know where they come from: `train` computes those of one run, `joint` those of
several runs in one pass.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from prefixrun.config.schema import TrainConfig
from prefixrun.errors import PrefixrunError
from prefixrun.methods.base import Method
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import PairIds, Row, epoch_batches
from prefixrun.training.checkpoint import Checkpoint, Checkpoints
from prefixrun.training.gradients import Gradients, Step, gradients, mean_nll
from prefixrun.training.interrupts import Pending, deferred
from prefixrun.training.process_group import ALONE, World


@dataclass(slots=True)
class Progress:
    """Where training is and what it has cost; saved in every checkpoint."""

    step: int = 0
    seconds: float = 0.0
    """What its steps took; of a pass that several runs shared, its share by token positions."""
    pair_tokens: int = 0
    """Tokens of the pairs seen, each written out alone: comparable between packed and unpacked batches."""
    positions: int = 0
    """Token positions of its batches, padding included."""
    epoch_nll: float = 0.0
    epoch_tokens: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    """One entry an evaluation: step, train_loss since the one before and dev_loss, both nats a target token."""
    joint: int = 1
    """Most runs that shared a pass with this one, itself included."""
    processes: int = 1
    """Most processes that shared the rows of a step."""


Report = Callable[[Progress, int, float], None]
"""Called after every step with the progress, the number of steps in all and the batch's loss in nats a token."""

Steps = Generator[Step, Gradients, None]


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
    """Train `method` in place; returns what it took and the trained tensors, the last or the best.

    Continues from the newest checkpoint, with the same result to the bit as an uninterrupted run on the same machine:
    an epoch's order and a step's dropout depend on (seed, epoch or step) alone. On SIGINT and SIGTERM a checkpoint is
    written after the step.

    Raises:
        PrefixrunError: the loss is not a number.
        DamagedStateError: no checkpoint can be read.
    """
    training = Training(method, backbone, pairs, dev, config, seed=seed, checkpoints=checkpoints)
    with deferred() as interruption:
        alone(training.steps(report, interruption), backbone)
    return training.progress, training.kept()


def alone(steps: Steps, backbone: Backbone) -> None:
    """Compute the gradients of one training until it ends."""
    step = advance(steps)
    while step is not None:
        step = advance(steps, gradients(step, backbone))


def advance(steps: Steps, given: Gradients | None = None) -> Step | None:
    """Let a training begin, or go on with the gradients of its last step, to its next one; None at its end."""
    try:
        return next(steps) if given is None else steps.send(given)
    except StopIteration:
        return None


class Training:
    """The training of one run: its loop, and all that a checkpoint holds. It begins at the newest checkpoint."""

    def __init__(
        self,
        method: Method,
        backbone: Backbone,
        pairs: Sequence[PairIds],
        dev: Sequence[PairIds],
        config: TrainConfig,
        *,
        seed: int,
        checkpoints: Checkpoints,
        world: World = ALONE,
    ) -> None:
        self.method, self.backbone, self.dev, self.config, self.seed = method, backbone, dev, config, seed
        self._checkpoints, self._world = checkpoints, world
        self._plan = _plan(pairs, config, seed)
        self.step_count = sum(len(epoch) for epoch in self._plan)
        """Optimiser steps in all."""
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

    def steps(self, report: Report, interruption: Pending) -> Steps:
        """What is left, step by step: yields each step and is sent its gradients. After the step in which
        `interruption` comes it saves and ends."""
        first = 0
        for epoch in self._plan:
            for index, micro_batches in enumerate(epoch):
                if first + index < self.progress.step or self._out_of_patience():
                    continue
                loss = yield from self._step(micro_batches, ends_epoch=index == len(epoch) - 1)
                report(self.progress, self.step_count, loss)
                step = self.progress.step
                if interruption or step % self.config.checkpoint_every == 0 or step == self.step_count:
                    self._save()
                if interruption:
                    return
            first += len(epoch)

    def _step(self, micro_batches: Sequence[Sequence[Row]], *, ends_epoch: bool) -> Generator[Step, Gradients, float]:
        """One optimiser step, with the evaluation that is due after it; returns its loss in nats a target token."""
        started = time.perf_counter()
        progress, config = self.progress, self.config
        for group in self._optimiser.param_groups:
            group["lr"] = config.lr * schedule(progress.step, self.step_count, config.warmup_steps)
        self._optimiser.zero_grad()
        step = Step(
            self.method, micro_batches, config.loss_mode, (self.seed, 1, progress.step), lm_dropout=config.lm_dropout
        )
        asked = time.perf_counter()
        given = yield step
        received = time.perf_counter()
        loss = self._descend(micro_batches, given)
        progress.step += 1
        progress.seconds += asked - started + given.seconds + time.perf_counter() - received
        due = ends_epoch if config.eval_every is None else progress.step % config.eval_every == 0
        if due or progress.step == self.step_count:
            self._evaluate()
        return loss

    def _out_of_patience(self) -> bool:
        """Whether the dev loss has not improved for more than `patience` evaluations."""
        losses = [entry["dev_loss"] for entry in self.progress.history if "dev_loss" in entry]
        return self.config.patience is not None and len(losses) - 1 - _argmin(losses) > self.config.patience

    def kept(self) -> dict[str, Tensor]:
        """The last state, or with keep=best the one of the lowest dev loss."""
        return self._best or self.method.trained_tensors()

    def _descend(self, micro_batches: Sequence[Sequence[Row]], given: Gradients) -> float:
        """Move the parameters once; returns the loss in nats a target token, whatever the loss mode."""
        progress = self.progress
        rows = [row for batch in micro_batches for row in batch]
        progress.pair_tokens += sum(row.pair_tokens for row in rows)
        progress.positions += given.positions
        progress.joint = max(progress.joint, given.joint)
        progress.processes = max(progress.processes, given.processes)
        if given.nll != given.nll:
            raise PrefixrunError(
                f"step {progress.step + 1}: the loss is not a number; lower train.lr (now {self.config.lr:g})"
            )
        torch.nn.utils.clip_grad_norm_(self._parameters, self.config.clip_norm)
        self._optimiser.step()
        tokens = sum(len(target) for row in rows for target in row.targets)
        progress.epoch_nll += given.nll
        progress.epoch_tokens += tokens
        return given.nll / tokens

    def _evaluate(self) -> None:
        progress = self.progress
        entry = {"step": progress.step, "train_loss": progress.epoch_nll / progress.epoch_tokens}
        if self.dev:
            before = [one["dev_loss"] for one in progress.history if "dev_loss" in one]
            entry["dev_loss"] = mean_nll(self.method, self.backbone, self.dev, self._world)
            if self.config.keep == "best" and entry["dev_loss"] < min(before, default=math.inf):
                self._best = {name: tensor.detach().clone() for name, tensor in self.method.trained_tensors().items()}
        progress.history.append(entry)
        progress.epoch_nll, progress.epoch_tokens = 0.0, 0

    def _save(self) -> None:
        """Write a checkpoint, once for all processes."""
        if not self._world.writes:
            return
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
