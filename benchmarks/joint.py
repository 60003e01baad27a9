"""Several runs of a sweep: one after another, as a sweep does without `joint`, or a step of each in one pass."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import mean

from benchmarks.ours import load_model, start, train_config
from benchmarks.sides import SEED, Setup, TrainRound
from prefixrun.training.checkpoint import Checkpoints
from prefixrun.training.interrupts import deferred
from prefixrun.training.joint import together
from prefixrun.training.trainer import Progress, Training, advance, alone

RUNS = 4
"""Runs of a round; they differ in their seed, and so in the order of their pairs."""


class Runs:
    """RUNS trainings that start from the prefix of the setup, with one pair a row."""

    def __init__(self, setup: Setup, is_joint: bool) -> None:
        self.setup, self.is_joint = setup, is_joint
        self.backbone = load_model(setup.plan)

    def train(self, pairs: int) -> TrainRound:
        """One epoch of each over the first `pairs` pairs, timed from the first step of all to the last."""
        losses: list[float] = []

        def report(progress: Progress, steps: int, loss: float) -> None:
            losses.append(loss)

        with ExitStack() as stack, deferred() as interruption:
            trainings = [
                Training(
                    start(self.setup, self.backbone),
                    self.backbone,
                    self.setup.pairs[:pairs],
                    [],
                    train_config(pairs, self.setup.plan.train_batch, 1),
                    seed=SEED + number,
                    checkpoints=Checkpoints(Path(stack.enter_context(tempfile.TemporaryDirectory()))),
                )
                for number in range(RUNS)
            ]
            left = [training.steps(report, interruption) for training in trainings]
            started = time.perf_counter()
            if self.is_joint:
                together([partial(advance, steps) for steps in left], self.backbone)
            else:
                for steps in left:
                    alone(steps, self.backbone)
            seconds = time.perf_counter() - started
        return TrainRound(seconds, sum(training.progress.step for training in trainings), mean(losses))
