"""Runs that this process holds and trains together, up to the file of what each has trained.

Each has its own directory, lock, log, checkpoints and step counter, as if it were alone: one that ends or fails leaves
the others, and at a signal all are saved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from prefixrun.config.schema import Config
from prefixrun.console import LOG, Stage, logging_to, stage
from prefixrun.data.run_data import Corpora, keep_choice
from prefixrun.errors import DiskFullError
from prefixrun.models.backbone import Backbone
from prefixrun.runs import pipeline
from prefixrun.runs.learning import Learning
from prefixrun.runs.run import Run
from prefixrun.training.gradients import Gradients, Step
from prefixrun.training.interrupts import Pending, deferred
from prefixrun.training.joint import GoOn, together
from prefixrun.training.trainer import Steps, advance


def train_together(configs: Sequence[Config]) -> Mapping[int, Exception]:
    """Train runs that can share a pass (attempts.groups). Returns, by place, what those that failed ended with.

    A run that is trained already, cannot be run or is held by another process is left out: working on it alone tells
    why. Raises KeyboardInterrupt or SystemExit at a signal, DiskFullError.
    """
    with ExitStack() as stack:
        begun = {place: _begin(config, stack) for place, config in enumerate(configs)}
        members = {place: member for place, member in begun.items() if member}
        with stage("training") as shown, deferred() as interruption:
            _train([member for member in members.values() if member.error is None], shown, interruption)
    return {place: member.error for place, member in members.items() if member.error}


def _train(members: Sequence[_Member], shown: Stage, interruption: Pending) -> None:
    """Until all have ended; what ends a pass, such as memory that is full, is the failure of all that are in it."""
    if not members:
        return
    total = sum(member.learning.training.step_count for member in members)

    def of(member: _Member) -> GoOn:
        steps = member.learning.steps(Stage("training", None), interruption)

        def go_on(given: Gradients | None) -> Step | None:
            step = member.next_step(steps, given)
            shown.update(sum(each.learning.training.progress.step for each in members), total, f"{len(members)} runs")
            return step

        return go_on

    try:
        together([of(member) for member in members], members[0].backbone)
    except DiskFullError:
        raise
    except Exception as error:  # noqa: BLE001
        for member in members:
            member.fail(error)


class _Member:
    """A run that this process holds and trains."""

    learning: Learning

    def __init__(self, run: Run, backbone: Backbone, held: ExitStack) -> None:
        self.backbone = backbone
        self.error: Exception | None = None
        self._run, self._held, self._ended = run, held, False

    def begin(self, config: Config, corpora: Corpora) -> None:
        """Start, or read where it was."""
        with self._turn():
            keep_choice(self._run.subset, corpora)
            LOG.info("training together with other runs of the sweep")
            self.learning = Learning(self._run, config, corpora, self.backbone)

    def next_step(self, steps: Steps, given: Gradients | None) -> Step | None:
        """Go on with the gradients of the last step, if there was one, to the next; None when it has ended."""
        step = None
        with self._turn():
            step = advance(steps, given)
        if step is None:
            self._end()
        return step

    def fail(self, error: Exception) -> None:
        """End it with an error, unless it has ended."""
        if not self._ended:
            with self._turn():
                raise error

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """What is said within is said in this run's log; what is raised ends this run alone, as its failure."""
        try:
            with logging_to(self._run.log, screen=False), pipeline.kept_as_failure(self._run):
                yield
        except DiskFullError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever one run ends with, the others go on
            self.error = error
            self._end()

    def _end(self) -> None:
        self._ended = True
        self._held.close()


def _begin(config: Config, stack: ExitStack) -> _Member | None:
    """The run, held until it has ended or the stack is closed; None when there is nothing to train together."""
    held = stack.enter_context(ExitStack())
    try:
        run = pipeline.find(config)
        if _is_trained(run):
            return None
        corpora, backbone = pipeline.ready(config, quiet=True)
        held.enter_context(run.hold())
        if _is_trained(run):  # by another process, until a moment ago
            return None
    except Exception:  # noqa: BLE001 - working on it alone meets the same, and tells
        return None
    member = _Member(run, backbone, held)
    member.begin(config, corpora)
    return member


def _is_trained(run: Run) -> bool:
    return run.state() == "finished" or run.trained_file.exists()
