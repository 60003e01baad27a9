"""What sets two finished runs apart: settings, contents of data and model, versions, costs, scores, outputs.

Scores are compared over the inputs that both runs were scored on, from the counts that they stored; nothing is scored
again. Intervals and p-values are about inputs, not about seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prefixrun.config.setting_roles import flatten
from prefixrun.metrics import resampling
from prefixrun.metrics.suite import OF_ALL_INPUTS
from prefixrun.results.counts import Counts
from prefixrun.results.record import Record

NOT_COMPARED = ("time", "command", "platform", "cpu", "cpu_count", "threads")
"""Provenance that is of one invocation or one machine."""

OF_REFERENCES = ("task.reference_columns", "task.merge_rows")
"""Settings of an own task that choose the references."""

BothCounts = tuple[Counts | None, Counts | None]


@dataclass(frozen=True, slots=True)
class ChangedValue:
    """A value that differs; None where a run has none."""

    key: str
    first: Any
    second: Any


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """A score of both runs, each over all its own inputs, and the difference over the shared ones."""

    name: str
    first: float | None
    second: float | None
    difference: resampling.Difference | None
    """Second minus first, over the inputs that both share."""
    why_not: str
    """Why there is no difference."""


@dataclass(frozen=True, slots=True)
class RunDiff:
    """Everything that differs between two runs."""

    settings: tuple[ChangedValue, ...]
    contents: tuple[ChangedValue, ...]
    """Of data and model, and how much of the data was used."""
    environment: tuple[ChangedValue, ...]
    """Versions of the program and its packages; nothing of the machine."""
    costs: tuple[ChangedValue, ...]
    shared: tuple[str, ...]
    """Ids of the inputs that both were scored on, in the order of the first run."""
    whole: bool
    """Whether these are all inputs of both."""
    scores: tuple[ScoreChange, ...]


def diff(first: Record, second: Record, *, samples: int = resampling.SAMPLES) -> RunDiff:
    """Compare two runs. Raises DamagedStateError, DataError for counts or outputs that cannot be read."""
    counts = first.checked_stats(), second.checked_stats()
    ids = _ids(first, counts[0]), _ids(second, counts[1])
    both = set() if other_corpus(first, second) else {*ids[0]} & {*ids[1]}
    shared = tuple(input_id for input_id in ids[0] if input_id in both)
    whole = len(shared) == len(ids[0]) == len(ids[1])
    return RunDiff(
        settings=_changed(first.settings, second.settings),
        contents=_changed(_contents(first), _contents(second)),
        environment=_changed(_environment(first), _environment(second)),
        costs=_changed(_costs(first), _costs(second)),
        shared=shared,
        whole=whole,
        scores=_scores(first, second, counts, shared, whole, samples),
    )


def other_corpus(first: Record, second: Record) -> str:
    """Why the inputs of one run are none of the other's, whatever their ids; empty when they may be the same."""
    parts = [f"{record.task} {record.split} ({record.result['data_source']})" for record in (first, second)]
    if parts[0] != parts[1]:
        return f"{parts[0]} and {parts[1]} are different inputs"
    if first.scored_files != second.scored_files:
        return f"the two copies of {parts[0]} have different contents"
    changed = [key for key in OF_REFERENCES if first.settings.get(key) != second.settings.get(key)]
    return f"{', '.join(changed)}: the references of {parts[0]} are not the same" if changed else ""


def _ids(record: Record, counts: Counts | None) -> tuple[str, ...]:
    return counts.ids if counts is not None else tuple(record.outputs())


def _changed(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[ChangedValue, ...]:
    pairs = (ChangedValue(key, first.get(key), second.get(key)) for key in sorted({*first, *second}))
    return tuple(pair for pair in pairs if repr(pair.first) != repr(pair.second))


def _environment(record: Record) -> dict[str, Any]:
    compared = {name: value for name, value in record.result["provenance"].items() if name not in NOT_COMPARED}
    return dict(flatten({"provenance": compared}))


def _costs(record: Record) -> dict[str, Any]:
    return dict(flatten({name: record.result[name] for name in ("parameters", "costs")}))


def _contents(record: Record) -> dict[str, Any]:
    result = record.result
    fields = ("data_source", "split", "n_train", "n_dev", "n_inputs")
    backbone = {f"model.{key}": value for key, value in result.get("backbone", {}).items()}
    versions = {f"data.{split}.version": part.get("version") for split, part in result.get("data", {}).items()}
    hashes = {f"data.{split}.sha256": " ".join(map(str, files)) for split, files in record.data_hashes.items()}
    return {**{name: result.get(name) for name in fields}, **versions, **hashes, **backbone}


def _scores(
    first: Record, second: Record, counts: BothCounts, shared: Sequence[str], whole: bool, samples: int
) -> tuple[ScoreChange, ...]:
    names = dict.fromkeys((*first.result["scores"], *second.result["scores"]))
    reasons = {name: _why_not(name, first, second, counts, shared, whole) for name in names}
    differences: Mapping[str, resampling.Difference] = {}
    if not all(reasons.values()) and counts[0] is not None and counts[1] is not None:
        first_counts, second_counts = _part(counts[0], shared), _part(counts[1], shared)
        differences = resampling.differences(
            first.scored_as, first_counts.columns, second_counts.columns, first_counts.groups, samples=samples
        )
    changes = []
    for name, reason in reasons.items():
        difference = None if reason else differences.get(name)
        why_not = reason or ("" if difference else "a run kept no counts of it")
        changes.append(ScoreChange(name, first.value(name), second.value(name), difference, why_not))
    return tuple(changes)


def _why_not(name: str, first: Record, second: Record, counts: BothCounts, shared: Sequence[str], whole: bool) -> str:
    """Why a score of the two runs is not compared; empty when it may be."""
    for record in (first, second):
        if record.value(name) is None:
            return f"run {record.run_id}: {record.reason(name)}"
    signatures = first.signature(name), second.signature(name)
    if signatures[0] != signatures[1]:
        return f"different signatures: {signatures[0]} and {signatures[1]}"
    if not shared:
        return "no shared inputs"
    without = [
        record.run_id for record, counts_of_run in zip((first, second), counts, strict=True) if counts_of_run is None
    ]
    if without:
        return f"run {' and '.join(without)}: no stats.parquet"
    if name in OF_ALL_INPUTS and not whole:
        return "its n-gram weights come from all inputs of a run, and the runs have others"
    return ""


def _part(counts: Counts, ids: Sequence[str]) -> Counts:
    """The rows of these inputs."""
    row_of = {input_id: row for row, input_id in enumerate(counts.ids)}
    rows = np.array([row_of[input_id] for input_id in ids])
    groups = None if counts.groups is None else tuple(counts.groups[row] for row in rows)
    return Counts(tuple(ids), groups, {name: column[rows] for name, column in counts.columns.items()})
