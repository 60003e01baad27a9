"""What a run was scored on, example by example: inputs and references behind its outputs, and a score for each output.

Inputs come from a run's own generations, from the sample corpora of the package, or from data_dir; committed records
keep outputs alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prefixrun import data
from prefixrun.config.validate import build_section
from prefixrun.data import Corpus
from prefixrun.errors import PrefixrunError
from prefixrun.metrics import suite
from prefixrun.metrics.base import FloatArray, Metric
from prefixrun.results.record import Record

NO_INPUTS = (
    "Inputs and references are those of the corpus, which records do not hold: data_dir=DIR adds inputs and references."
)
UNREADABLE = "The corpus could not be read from data_dir, so inputs and references are not shown."
OTHER_CORPUS = "The corpus in data_dir has other contents than the one these runs were scored on."

MEASURES = ("chrF", "ROUGE_L", "TER")
"""Metrics that say something of a single output; the first one whose counts were stored is used."""

Problems = list[tuple[str, str]]
"""What could not be read, and why; functions add to it."""


@dataclass(frozen=True, slots=True)
class Text:
    """An input with its references."""

    source: str
    references: tuple[str, ...]
    group: str = ""


def evenly(ids: Sequence[str], most: int) -> list[str]:
    """At most `most` of the ids, the first among them, at even distances."""
    if len(ids) <= most:
        return list(ids)
    return [ids[i * len(ids) // most] for i in range(most)]


def texts_of(
    records: Sequence[Record], name: str, data_dir: Path | None, problems: Problems
) -> tuple[Mapping[str, Text], str]:
    """Id → input and references; without them, the sentence that says why.

    `records`: runs scored on one part of one corpus. `name`: what they are called in `problems`.
    """
    # Any run on all the inputs will do; one that was scored on fewer does not have them all.
    first = max(records, key=lambda record: int(record.result["n_inputs"]))
    for record in records:
        if record.result["n_inputs"] != first.result["n_inputs"]:
            continue
        try:
            if generations := record.generations():
                return {record["id"]: Text(record["source"], tuple(record["references"])) for record in generations}, ""
        except PrefixrunError as error:
            problems.append((f"inputs of {record.directory.name}", str(error)))
    corpus, note = scored_corpus(first, name, data_dir, problems)
    examples = corpus.examples if corpus else ()
    return {example.id: Text(example.source, example.references, example.group) for example in examples}, note


def scored_corpus(record: Record, name: str, data_dir: Path | None, problems: Problems) -> tuple[Corpus | None, str]:
    """The part of the corpus that a run was scored on; without it, the sentence that says why. See `texts_of`."""
    if data_dir is None and not record.brings_its_corpus and record.settings.get("task.dataset") is None:
        return None, NO_INPUTS
    root = None if record.brings_its_corpus else data_dir
    try:
        task = {key.removeprefix("task."): value for key, value in record.settings.items() if key.startswith("task.")}
        config = build_section("task", {**task, "name": record.task})
        corpus = data.load(
            record.task, record.split, root, linearisation=linearisation(record), verify=False, config=config
        )
    except PrefixrunError as error:
        problems.append((f"inputs of {name}", str(error)))
        return None, UNREADABLE
    if record.scored_files and {*record.scored_files} != {file.sha256 for file in corpus.files}:
        problems.append((f"inputs of {name}", OTHER_CORPUS))
        return None, OTHER_CORPUS
    return corpus, ""


def linearisation(record: Record) -> str:
    """How the run's inputs became strings."""
    return str(record.settings.get("task.linearisation") or "paper")


def scores_by_example(runs: Mapping[int, Record], ids: Sequence[str], problems: Problems) -> dict[str, Any] | None:
    """`name` of the measure, whether less is better, and `values`: position of the run → a score for each id.

    The scores are made from the counts that the runs stored; None where no run stored any.
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
        if measure is not None and _has_counts(measure, counts.columns):
            values[str(position)] = _scores(measure, counts.columns, counts.ids, ids)
    if measure is None:
        return None
    name = measure.names[0]
    return {"name": name, "less_is_better": name == "TER", "values": values}


def _scores(
    measure: Metric, columns: Mapping[str, FloatArray], scored: Sequence[str], ids: Sequence[str]
) -> list[float | None]:
    """A score for each of `ids`, None for one that is not among those `scored`."""
    rows = {input_id: row for row, input_id in enumerate(scored)}
    matrix = np.column_stack([columns[name] for name in _columns(measure)])
    name = measure.names[0]
    return [round(measure.aggregate(matrix[rows[input_id]])[name], 3) if input_id in rows else None for input_id in ids]


def _measure(record: Record, columns: Mapping[str, FloatArray]) -> Metric | None:
    by_name = {metric.names[0]: metric for metric in suite(record.scored_as).metrics}
    return next((by_name[name] for name in MEASURES if name in by_name and _has_counts(by_name[name], columns)), None)


def _columns(measure: Metric) -> list[str]:
    return [f"{measure.names[0]}.{column}" for column in measure.columns]


def _has_counts(measure: Metric, columns: Mapping[str, FloatArray]) -> bool:
    return all(name in columns for name in _columns(measure))
