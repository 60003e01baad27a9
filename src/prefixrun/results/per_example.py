"""One score for each output, from the counts that a run kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prefixrun.errors import PrefixrunError
from prefixrun.metrics import suite
from prefixrun.metrics.base import FloatArray, Metric
from prefixrun.results.records import Record

MEASURES = ("chrF", "ROUGE_L", "TER")
"""Those that say something of a single output; the first one whose counts were kept is used."""


def per_example(
    runs: Mapping[int, Record], ids: Sequence[str], problems: list[tuple[str, str]]
) -> dict[str, Any] | None:
    """`name` of the measure, whether less is better, and `values`: position of the run → a score for each id.

    None where no run kept counts; `problems` (what, reason) is added to.
    """
    measure: Metric | None = None
    values: dict[str, list[float | None]] = {}
    for position, record in runs.items():
        try:
            counts = record.stats()
        except PrefixrunError as error:
            problems.append((f"counts of {record.directory.name}", str(error)))
            continue
        if counts is None:
            continue
        measure = measure or _measure(record, counts.columns)
        if measure is not None and _has(measure, counts.columns):
            values[str(position)] = _scores(measure, counts.columns, counts.ids, ids)
    if measure is None:
        return None
    name = measure.names[0]
    return {"name": name, "less_is_better": name == "TER", "values": values}


def _scores(
    measure: Metric, columns: Mapping[str, FloatArray], scored: Sequence[str], ids: Sequence[str]
) -> list[float | None]:
    """A score for each of `ids`, None for one that is not among those `scored`."""
    rows = {each: row for row, each in enumerate(scored)}
    matrix = np.column_stack([columns[name] for name in _columns(measure)])
    name = measure.names[0]
    return [round(measure.aggregate(matrix[rows[each]])[name], 3) if each in rows else None for each in ids]


def _measure(record: Record, columns: Mapping[str, FloatArray]) -> Metric | None:
    by_name = {metric.names[0]: metric for metric in suite(record.scored_as).metrics}
    return next((by_name[name] for name in MEASURES if name in by_name and _has(by_name[name], columns)), None)


def _columns(measure: Metric) -> list[str]:
    return [f"{measure.names[0]}.{column}" for column in measure.columns]


def _has(measure: Metric, columns: Mapping[str, FloatArray]) -> bool:
    return all(name in columns for name in _columns(measure))
