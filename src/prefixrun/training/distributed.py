"""The steps of one run, dealt out over several processes.

Each process computes the gradients of its share of the rows, and their sum moves the same parameters in all of them.
They are summed by hand rather than by torch's DistributedDataParallel: a method is put on a frozen model from outside
and has no forward pass of its own to wrap, a prefix is sent in no time, and the loss is divided by the tokens of the
whole batch, where DistributedDataParallel takes the mean of the processes' losses.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from prefixrun.console import Stage
from prefixrun.errors import PrefixrunError
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import LossMode, Row
from prefixrun.runs.learning import Learning
from prefixrun.training.gradients import Gradients, Step, batch_nll, dropout, in_nats
from prefixrun.training.interrupts import Pending
from prefixrun.training.process_group import World
from prefixrun.training.trainer import advance


def learn(learning: Learning, backbone: Backbone, world: World, shown: Stage, interruption: Pending) -> None:
    """Train, from the state of the first process. A signal that one of them gets ends all after the same step.

    Raises PrefixrunError as train.train, and when a process has ended or has read another state.
    """
    _agree_on_start(learning, world)
    agreed = Pending()
    steps = learning.steps(shown, agreed)
    step = advance(steps)
    while step is not None:
        found = shared_gradients(step, backbone, world)
        agreed.number = int(world.largest([interruption.number or 0])[0]) or None
        step = advance(steps, found)
    interruption.number = agreed.number


def _agree_on_start(learning: Learning, world: World) -> None:
    step = learning.training.progress.step
    most, least = world.largest([step, -step])
    if most != -least:
        raise PrefixrunError(
            f"the processes would begin after different steps ({-least:.0f} and {most:.0f}): give a results_dir that "
            "all of them see"
        )
    world.copy_from_first(learning.training.method.parameters())


def shared_gradients(step: Step, backbone: Backbone, world: World) -> Gradients:
    """The gradients of a step, of which each process computes its share of the rows of every micro-batch.

    Dropout on a prefix is the same in all processes; what acts on rows is drawn by each process for its own.
    """
    started = time.perf_counter()
    nll, positions = 0.0, 0
    with dropout(_with_own_stream(step, world), backbone):
        for rows in step.micro_batches:
            if not (own := rows[world.rank :: world.size]):
                continue
            batch = step.method.collate(backbone, own, step.loss_mode)
            loss = batch_nll(step.method, backbone, batch) / len(step.micro_batches)
            (loss * (_weight(own, step.loss_mode) / _weight(rows, step.loss_mode))).backward()
            nll += in_nats(loss, batch, step)
            positions += batch.computed
    _add_gradients(step, world)
    nll, positions_of_all = world.total([nll, positions])
    return Gradients(nll, int(positions_of_all), time.perf_counter() - started, processes=world.size)


def _with_own_stream(step: Step, world: World) -> Step:
    """The step with a stream of dropout that no other process draws from, where dropout acts on rows."""
    on_rows = step.lm_dropout or any(isinstance(module, nn.Dropout) for module in step.method.modules())
    return replace(step, stream=(*step.stream, world.rank)) if on_rows and world.rank else step


def _weight(rows: Sequence[Row], loss_mode: LossMode) -> int:
    """What the loss of a batch is divided by: its pairs, or their target tokens."""
    targets = [target for row in rows for target in row.targets]
    return len(targets) if loss_mode == "sentence_sum" else sum(map(len, targets))


def _add_gradients(step: Step, world: World) -> None:
    parameters = [parameter for parameter in step.method.parameters() if parameter.requires_grad]
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    world.add(parameter.grad for parameter in parameters if parameter.grad is not None)
