"""Give committed records the scores that need more of the corpus than a run scores, see later_scores.py."""

from __future__ import annotations

from pathlib import Path

from prefixrun.data import directory_of
from prefixrun.data.webnlg import names_of_release
from prefixrun.errors import DataError
from prefixrun.files import canonical_json, digest, write_text
from prefixrun.metrics.added_names import AddedNames
from prefixrun.results.examples import scored_corpus
from prefixrun.results.later_scores import LATER
from prefixrun.results.record import OUTPUTS, Record

TASK = "webnlg"


def add_later_scores(record: Record, data_dir: Path) -> Path | None:
    """Write the later scores of a committed record; None for a record whose task has none.

    Raises DataError when the corpus in `data_dir` is not the one that the record was scored on.
    """
    counts = record.stats()
    if record.task != TASK or counts is None:
        return None
    problems: list[tuple[str, str]] = []
    corpus, note = scored_corpus(record, record.directory.name, data_dir, problems)
    if corpus is None:
        raise DataError(f"{record.directory}: {problems[0][1] if problems else note}")
    sources = {example.id: example.source for example in corpus.examples}
    outputs = record.outputs()
    inputs = tuple((sources[identifier],) for identifier in counts.ids)
    metric = AddedNames(names_of_release(directory_of(TASK, data_dir)))
    rows = metric.count_all([outputs[identifier] for identifier in counts.ids], metric.prepare(inputs))
    groups = counts.groups or ("",) * len(counts.ids)
    scores = {}
    for group in ("all", *sorted(set(groups) - {""})):
        members = [i for i, name in enumerate(groups) if group in ("all", name)]
        value = metric.aggregate(rows[members].sum(axis=0))["ADDED"]
        scores[f"ADDED/{group}"] = {"value": value, "signature": metric.signature("ADDED", inputs), "reason": None}
    columns = {f"ADDED.{name}": rows[:, i].astype(int).tolist() for i, name in enumerate(metric.columns)}
    path = record.directory / LATER
    content = {"outputs": digest(record.directory / OUTPUTS), "scores": scores, "counts": columns}
    write_text(path, canonical_json(content) + "\n")
    return path
