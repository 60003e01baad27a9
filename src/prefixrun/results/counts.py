"""The additive counts behind a run's scores: stats.parquet, one row an input."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from prefixrun.errors import DamagedStateError, reading, shortened

if TYPE_CHECKING:
    from prefixrun.metrics.base import FloatArray

COUNTS = "stats.parquet"
REPAIR = "keep the record again from its run, or delete the file"
LARGEST_COUNT = 2**53
"""Sums of larger numbers are not exact."""
PARQUET = b"PAR1"
"""First and last bytes of such a file."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one run, one row an input, in the order of its corpus."""

    ids: tuple[str, ...]
    groups: tuple[str, ...] | None
    """Group of each input (WebNLG: seen, unseen); None where the task has none, or the run did not keep them."""
    columns: Mapping[str, FloatArray]
    """``<metric>.<column>`` → ``(inputs,)``, as ``metrics.aggregate`` takes them."""


def read_counts(path: Path, metric: str | None = None) -> Counts:
    """The counts in a file, or those of one metric. Raises DamagedStateError when it is no such table."""
    import pyarrow.parquet  # type: ignore[import-untyped]  # readers of results alone need not wait for it

    with reading(path, REPAIR, DamagedStateError):
        stored = pyarrow.parquet.ParquetFile(path)
        names = stored.schema_arrow.names
        text_names = [name for name in ("id", "group") if name in names]
        count_names = [
            name for name in names if name not in text_names and (metric is None or name.startswith(f"{metric}."))
        ]
        table = stored.read(columns=[*text_names, *count_names], use_threads=False)  # the tables are small
        texts = {name: tuple(map(str, table.column(name).to_numpy())) for name in text_names}
        columns = {name: table.column(name).to_numpy().astype(np.float64) for name in count_names}
        counts = Counts(texts["id"], texts.get("group"), columns)
    if problem := _wrong(counts):
        raise DamagedStateError(f"{path}: damaged ({problem}); {REPAIR}")
    return counts


def check_counts(counts: Counts, task: str, inputs: int, path: Path) -> None:
    """Raise DamagedStateError unless the counts are those of so many inputs and give scores. task: scored as this."""
    from prefixrun.metrics import aggregate, suite  # every scorer

    plan = suite(task)
    for metric in (*plan.metrics, *plan.of_inputs):
        columns = [f"{metric.names[0]}.{column}" for column in metric.columns]
        there = [column in counts.columns for column in columns]
        if any(there) and not all(there):
            raise DamagedStateError(f"{path}: damaged (no column {columns[there.index(False)]}); {REPAIR}")
    with reading(path, REPAIR, DamagedStateError), np.errstate(all="raise", under="ignore"):
        scores = aggregate(task, counts.columns)
    if len(counts.ids) != inputs:
        raise DamagedStateError(f"{path}: damaged ({len(counts.ids)} rows for {inputs} inputs); {REPAIR}")
    if not np.isfinite([*scores.values()]).all():
        raise DamagedStateError(f"{path}: damaged (its scores are not finite); {REPAIR}")


def _wrong(counts: Counts) -> str:
    """What no table of counts has."""
    if len(set(counts.ids)) != len(counts.ids):
        return "an id stands there twice"
    wrong = [name for name, column in counts.columns.items() if not ((column >= 0) & (column <= LARGEST_COUNT)).all()]
    return f"{shortened(wrong[0])} has numbers that are no counts" if wrong else ""


def is_whole_parquet(path: Path) -> bool:
    """Whether a file begins and ends as its format says; what lies between is checked when it is read."""
    with open(path, "rb") as stream:
        start = stream.read(len(PARQUET))
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - len(PARQUET)))
        return start == PARQUET == stream.read() and size > 2 * len(PARQUET)
