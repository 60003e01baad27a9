"""A search for the settings with the lowest development loss, by Optuna, resumable and one trial after the other.

The study is a file of the results tree. What a trial does is the caller's: train alone (`prefixrun tune`), or a whole
run (`hydra/sweeper=optuna`). The same command goes on with its study: trials that ended count, one that was interrupted
is tried again with the same values.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from prefixrun import files
from prefixrun.errors import DamagedStateError, Interrupted, MissingPartError, RunHeldError, reading
from prefixrun.sweeps.space import Space

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import Trial as OptunaTrial

FILE = "study.db"
UNPRUNED = 4
"""Trials before any is stopped early: those that later ones are compared with."""

End = Literal["complete", "stopped", "diverged", "impossible", "failed"]
"""How a trial ended: "stopped" early, because its loss was behind that of others at the same step."""


class TrialStopped(Interrupted):
    """A trial was stopped early; its run can be gone on with, as any that was interrupted."""


@dataclass(frozen=True, slots=True)
class TrialEnd:
    """How a trial ended."""

    end: End
    loss: float | None = None
    """Development loss of the checkpoint that the run keeps, in nats a token; the last that was measured of a trial
    that was stopped."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """A point of the search: what to set, and where to report what is measured on the way."""

    values: Mapping[str, str]
    """Key → value as it is typed."""
    _trial: OptunaTrial

    @property
    def overrides(self) -> list[str]:
        """As on the command line."""
        return [f"{key}={value}" for key, value in self.values.items()]

    def report(self, step: int, loss: float) -> None:
        """Raise TrialStopped where the loss of the step is behind that of other trials."""
        self._trial.report(loss, step)
        if self._trial.should_prune():
            raise TrialStopped(f"stopped at step {step}: dev loss {loss:.4f}")


@dataclass(frozen=True, slots=True)
class EndedTrial:
    """A trial of this or an earlier command."""

    values: Mapping[str, str]
    ended: TrialEnd


Evaluate = Callable[[Trial], TrialEnd]
"""Does the work of a trial. Raises what ends the whole search."""

Report = Callable[[int, EndedTrial, float], None]
"""Takes the number of trials that have ended, the last of them, and its seconds."""


def search(
    directory: Path, space: Space, first: Mapping[str, Any], trials: int, evaluate: Evaluate, report: Report
) -> list[EndedTrial]:
    """Go on with the study of a directory until so many trials have ended; returns all that ended, in their order.

    first: setting → value to begin with, of those that lie in the space. Raises MissingPartError without Optuna,
    RunHeldError while another process works on the study, DamagedStateError when it cannot be read, and what
    `evaluate` raises.
    """
    files.make_directory(directory)
    with _opened(directory, first) as study:
        distributions = {key: setting.distribution() for key, setting in space.items()}
        for _ in range(trials - len(_ended(study))):
            trial = study.ask(distributions)
            values = {key: setting.text(trial.params[key]) for key, setting in space.items()}
            trial.set_user_attr("values", values)
            started = time.monotonic()
            ended = EndedTrial(values, evaluate(Trial(values, trial)))
            _tell(study, trial, ended.ended)
            report(len(_ended(study)), ended, time.monotonic() - started)
        return _ended(study)


def best(trials: Sequence[EndedTrial]) -> EndedTrial | None:
    """The trial with the lowest loss of those that were not stopped; None without one."""
    complete = [trial for trial in trials if trial.ended.end == "complete" and trial.ended.loss is not None]
    return min(complete, key=lambda trial: trial.ended.loss or 0.0, default=None)


def require_optuna() -> None:
    """Raise MissingPartError unless Optuna is installed."""
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise MissingPartError("optuna: is not installed; run: pip install 'prefixrun[tune]'") from error


@contextmanager
def _opened(directory: Path, first: Mapping[str, Any]) -> Iterator[Study]:
    """The study of a directory, held against other processes, with its interrupted trials to be tried again."""
    require_optuna()
    import optuna
    from filelock import FileLock, Timeout

    lock = FileLock(str(directory / "study.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunHeldError(f"{directory}: another process works on this search; wait for it, or end it") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        path = directory / FILE
        with reading(path, "delete it to begin the search again; finished trials are not repeated", DamagedStateError):
            storage = optuna.storages.RDBStorage(f"sqlite:///{path.resolve()}")
            study = optuna.create_study(storage=storage, study_name="search", load_if_exists=True)
            before = study.get_trials()
        # A sampler that begins anew must not draw what it drew before.
        study.sampler = optuna.samplers.TPESampler(seed=len(before))
        study.pruner = optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED)
        if not before and first:
            study.enqueue_trial(dict(first))
        for trial in before:
            if trial.state == optuna.trial.TrialState.RUNNING:
                study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
                study.enqueue_trial(trial.params)
        try:
            yield study
        finally:
            storage.remove_session()
            storage.engine.dispose()
    finally:
        lock.release()


def _tell(study: Study, trial: OptunaTrial, ended: TrialEnd) -> None:
    from optuna.trial import TrialState

    if ended.end == "failed":  # not one that ended: the next command tries it again
        study.tell(trial, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
        return
    trial.set_user_attr("end", {"end": ended.end, "loss": ended.loss, "reason": ended.reason})
    if ended.end == "complete":
        study.tell(trial, ended.loss)
    else:
        study.tell(trial, state=TrialState.FAIL if ended.end == "impossible" else TrialState.PRUNED)


def _ended(study: Study) -> list[EndedTrial]:
    ended = (trial.user_attrs for trial in study.get_trials(deepcopy=False) if "end" in trial.user_attrs)
    return [EndedTrial(noted["values"], TrialEnd(**noted["end"])) for noted in ended]
