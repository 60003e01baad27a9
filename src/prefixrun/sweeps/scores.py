"""The scores of a sweep's finished runs beside each other, and their means over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from statistics import mean, stdev

from prefixrun.console import NONE
from prefixrun.errors import PrefixrunError
from prefixrun.results.display_names import of_metric
from prefixrun.results.record import Record
from prefixrun.sweeps.plan import Job

DEV_LOSS = "dev loss"


def finished_record(job: Job) -> Record | None:
    """The result of a job, of its run or of its committed record; None where there is none that can be read."""
    if job.run is not None:
        with suppress(PrefixrunError):
            if job.run.result_json.is_file():
                return Record(job.run.directory, job.run.result())
            if job.run.has_record():
                return Record(job.run.record_json.parent, job.run.record_result())
    return None


def score_columns(records: Sequence[Record | None]) -> tuple[str, ...]:
    """The loss on development pairs and the main scores of the runs' tasks, as far as any run has them."""
    known = [record for record in records if record is not None]
    metrics = (name for record in known for name in record.main_metrics)
    names = [DEV_LOSS] if any(record.dev_loss is not None for record in known) else []
    return (*names, *dict.fromkeys(metrics))


def heading(column: str) -> str:
    """A column of `score_columns` as a reader knows it."""
    return column if column == DEV_LOSS else of_metric(column)


def value(record: Record | None, column: str) -> float | None:
    """One number of a run."""
    if record is None:
        return None
    return record.dev_loss if column == DEV_LOSS else record.value(column)


def score_texts(record: Record | None, columns: Sequence[str]) -> tuple[str, ...]:
    """The numbers of a run, in the columns' order."""
    return tuple(_text(value(record, column), column) for column in columns)


def mean_rows(
    jobs: Sequence[Job], records: Sequence[Record | None], columns: Sequence[str]
) -> list[tuple[str, tuple[str, ...]]]:
    """What runs that differ in their seeds alone share, and the mean and standard deviation of their numbers."""
    # Runs of several subsample seeds are one where these draw nothing.
    groups: dict[str, dict[tuple[int, int], tuple[Job, Record]]] = {}
    for job, record in zip(jobs, records, strict=True):
        if record is not None:
            groups.setdefault(record.group_key, {}).setdefault((record.subsample, record.seed), (job, record))
    rows = []
    for members in (list(of_seeds.values()) for of_seeds in groups.values()):
        if len(members) > 1:
            shared = set.intersection(*(set(job.label.split()) for job, _ in members))
            words = [word for word in members[0][0].label.split() if word in shared]
            label = f"mean of {len(members)} runs" + (f": {' '.join(words)}" if words else "")
            rows.append(
                (label, tuple(_spread([value(record, name) for _, record in members], name) for name in columns))
            )
    return rows


def _spread(values: Sequence[float | None], column: str) -> str:
    known = [number for number in values if number is not None]
    if len(known) < max(2, len(values)):
        return NONE
    return f"{_text(mean(known), column)} ± {_text(stdev(known), column)}"


def _text(number: float | None, column: str) -> str:
    return NONE if number is None else f"{number:.3f}" if column == DEV_LOSS else f"{number:.2f}"
