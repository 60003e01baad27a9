"""The plan of a sweep: the run of each point and its state; points that are the same run are one job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from prefixrun.config.compose import SweepPoint
from prefixrun.config.method_sizes import size_override
from prefixrun.config.schema import Config
from prefixrun.data.run_data import TaskSplits
from prefixrun.errors import ConfigError, PrefixrunError
from prefixrun.runs.diverged import known_divergence
from prefixrun.runs.identity import find_run
from prefixrun.runs.run import Run

State = Literal["finished", "kept", "new", "interrupted", "failed", "diverged", "held", "unavailable", "impossible"]
STATES: Mapping[State, str] = {
    "finished": "done",
    "kept": "done, kept as a record",
    "new": "to do",
    "interrupted": "interrupted",
    "failed": "failed",
    "diverged": "diverged",
    "held": "held by another process",
    "unavailable": "not available here",
    "impossible": "impossible",
}
"""State → how it is shown. "kept": there is no run here, but the record of one (`prefixrun keep`). "unavailable": its
model or its corpus cannot be read."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a sweep."""

    point: SweepPoint
    label: str
    """The overrides that set it apart from the others."""
    state: State
    reason: str = ""
    """Why it failed or is impossible, or who holds it."""
    run: Run | None = None
    exit_code: int = 0
    """Code of the error behind `reason`."""
    available: int = 0
    """Training pairs of its corpus."""
    inputs: int = 0
    """Inputs of the part that is scored."""
    equal: int = field(default=0, compare=False)
    """Further points of the sweep that are the same run."""

    @property
    def config(self) -> Config:
        """The configuration of a job that is not impossible."""
        assert self.point.config is not None
        return self.point.config

    @property
    def is_open(self) -> bool:
        """Whether there is something to do."""
        return self.state not in ("finished", "kept", "diverged", "impossible") and self.run is not None


def plan_jobs(points: Sequence[SweepPoint]) -> list[Job]:
    """The runs of a sweep in its order, each once."""
    labels = point_labels(points)
    unreadable: dict[tuple[object, ...], PrefixrunError] = {}
    looked_up = {
        index: _job(points[index], labels[index], unreadable)
        for index in sorted(range(len(points)), key=lambda index: _task(points[index]))  # one task's corpora at a time
    }
    planned: list[Job] = []
    indices: dict[Path, int] = {}
    for index in range(len(points)):
        job = looked_up[index]
        first = indices.setdefault(job.run.directory, len(planned)) if job.run else len(planned)
        if first < len(planned):
            planned[first] = replace(planned[first], equal=planned[first].equal + 1)
        else:
            planned.append(job)
    return planned


def _task(point: SweepPoint) -> str:
    return point.config.task.name if point.config else ""


def _job(point: SweepPoint, label: str, unreadable: dict[tuple[object, ...], PrefixrunError]) -> Job:
    if point.config is None:
        return Job(point, label, "impossible", "; ".join(point.problems))
    config = point.config
    source = (config.task, config.data_dir, config.data, config.model)
    try:
        if source in unreadable:  # a large corpus is not read again for each point to fail in the same way
            raise unreadable[source]
        run = find_run(config)
        parts = TaskSplits.of(config)
    except PrefixrunError as error:
        unreadable[source] = error
        state: State = "impossible" if isinstance(error, ConfigError) else "unavailable"
        return Job(point, label, state, str(error), exit_code=error.exit_code)
    scored = parts.dev if config.eval_split == "dev" else parts.test
    return refresh(Job(point, label, "new", run=run, available=parts.train.pairs, inputs=len(scored.examples)))


def refresh(job: Job) -> Job:
    """The job with the state that its files have now."""
    if job.run is None:
        return job
    try:
        state: State = job.run.state()
        if state == "new" and job.run.has_record():
            state = "kept"
        failure = job.run.failure() if state in ("failed", "diverged") else None
        if state == "diverged" and known_divergence(job.run, job.config) is None:
            state = "failed"  # by other settings of train.diverged_*: it is tried again
    except PrefixrunError as error:
        return replace(job, state="failed", reason=str(error), exit_code=error.exit_code)
    if state != "finished" and (holder := job.run.holder()):
        return replace(job, state="held", reason=holder.describe())
    return replace(job, state=state, reason=failure["message"] if failure else "")


def point_labels(points: Sequence[SweepPoint]) -> list[str]:
    """For each point the overrides that not all points share, and the size that its budget has come to.

    All overrides where there is only one point.
    """
    common = set.intersection(*(set(point.overrides) for point in points)) if len(points) > 1 else set()
    return [" ".join(_label_parts(point, common)) or "defaults" for point in points]


def _label_parts(point: SweepPoint, common: set[str]) -> Iterator[str]:
    yield from (word for word in point.overrides if word not in common)
    if point.config is not None and point.config.budget is not None:
        yield f"({size_override(point.config)})"
