"""The first section: what was run, and the best scores of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

from prefixrun.analysis.groups import RunGroup
from prefixrun.analysis.html.format import NOTHING, count, duration
from prefixrun.analysis.html.runs import group_score
from prefixrun.analysis.html.table import Cell, Column, HtmlTable, number_cell, text_cell
from prefixrun.results import display_names
from prefixrun.results.records import Record


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all runs; None where no run recorded it."""

    runs: int
    tasks: tuple[str, ...]
    models: tuple[str, ...]
    methods: tuple[str, ...]
    train_seconds: float | None
    train_tokens: float | None
    decode_seconds: float | None


def totals(runs: Sequence[Record]) -> Totals:
    """The sums over all runs."""
    tasks = sorted({display_names.of_task(run.task) for run in runs})
    models = sorted({display_names.of_model(run.model) for run in runs})
    methods = sorted({display_names.of_method(run.method) for run in runs})
    sums = (_sum(runs, name) for name in ("train_seconds", "train_tokens", "decode_seconds"))
    return Totals(len(runs), tuple(tasks), tuple(models), tuple(methods), *sums)


def summary_table(runs: Sequence[Record], groups: Sequence[RunGroup]) -> HtmlTable:
    """One row for each task, model, method and kind of data: its best score, and what was run.

    A model or kind of data that is the only one has no column.
    """
    parts: dict[tuple[str, ...], list[Record]] = {}
    for run in runs:
        parts.setdefault(_part(run), []).append(run)
    columns = (
        Column("Task"),
        Column("Method"),
        Column("Best score", numeric=True, title="mean over the runs of the best setting"),
        Column("On"),
        Column("Model"),
        Column("Data"),
        Column("Runs", numeric=True),
        Column("Seeds", numeric=True),
        Column("Prefix lengths"),
        Column("Training pairs"),
        Column("Training time", numeric=True),
    )
    of_part = {part: [group for group in groups if _part(group.first) == part] for part in parts}
    rows = tuple(_row(part, alike, of_part[part]) for part, alike in parts.items())
    note = (
        "Best score: mean ± standard deviation over the runs of the setting whose mean is best, among those scored on "
        "the most inputs. Scores on other inputs cannot be ranked."
    )
    is_shown = [
        column.label not in ("Model", "Data") or len({row[at].text for row in rows}) > 1
        for at, column in enumerate(columns)
    ]
    rows = tuple(tuple(compress(row, is_shown)) for row in rows)
    return HtmlTable("What was run", tuple(compress(columns, is_shown)), rows, (note,))


def best_scores(groups: Sequence[RunGroup]) -> list[tuple[str, str, str]]:
    """(task and inputs, best score, method that has it, of how many) of every task, model and kind of data."""
    tasks: dict[tuple[str, ...], list[RunGroup]] = {}
    for each in groups:
        task, _, *others = _part(each.first)
        tasks.setdefault((task, *others), []).append(each)
    lines = []
    for (task, *_), alike in tasks.items():
        best, group = _best(alike)
        if group is not None:
            methods = {other.first.method for other in _ranked_together(alike)}
            by = f"{display_names.of_method(group.first.method)}, of {count(len(methods), 'method')}"
            lines.append((f"Best on {display_names.of_task(task)}, {_inputs(group)}", best.text, by))
    return lines


def _part(run: Record) -> tuple[str, ...]:
    return run.task, run.method, run.model, str(run.result["data_source"])


def _row(part: tuple[str, ...], runs: Sequence[Record], groups: Sequence[RunGroup]) -> tuple[Cell, ...]:
    task, method, model, data = part
    best, group = _best(groups)
    return (
        text_cell(display_names.of_task(task)),
        text_cell(display_names.of_method(method)),
        best,
        text_cell(_inputs(group) if group else None),
        text_cell(display_names.of_model(model)),
        text_cell(data),
        number_cell(len(runs)),
        number_cell(len({run.seed for run in runs})),
        text_cell(_listed(run.prefix_len for run in runs)),
        text_cell(_listed(run.n_train for run in runs)),
        number_cell(_sum(runs, "train_seconds"), duration),
    )


def _best(groups: Sequence[RunGroup]) -> tuple[Cell, RunGroup | None]:
    """The best mean of the task's first metric, among settings that were scored on the same inputs."""
    metric, *_ = (*display_names.main_metrics(groups[0].first.scored_as, groups[0].first.result["scores"]), "")
    sign = -1 if display_names.less_is_better(metric) else 1
    scored = [(group_score(group, metric), group) for group in _ranked_together(groups)]
    ranked = [(sign * cell.value, cell, group) for cell, group in scored if cell.value is not None]
    if not ranked:
        return Cell(NOTHING), None
    _, best, group = max(ranked, key=lambda each: each[0])
    return Cell(f"{display_names.of_metric(metric)} {best.text}", best.value), group


def _ranked_together(groups: Sequence[RunGroup]) -> list[RunGroup]:
    """Those scored on the same inputs: test inputs where there are some, the most methods, then the most inputs."""
    scopes: dict[tuple[str, int], list[RunGroup]] = {}
    for group in groups:
        scopes.setdefault((group.first.split, group.first.result["n_inputs"]), []).append(group)

    def preference(scope: tuple[str, int]) -> tuple[bool, int, int]:
        return scope[0] == "test", len({group.first.method for group in scopes[scope]}), scope[1]

    return scopes[max(scopes, key=preference)]


def _inputs(group: RunGroup) -> str:
    return f"{group.first.result['n_inputs']:,} {group.first.split} inputs"


def _sum(runs: Iterable[Record], name: str) -> Any:
    known = [cost for run in runs if (cost := run.result["costs"].get(name)) is not None]
    return sum(known) if known else None


def _listed(values: Iterable[int | None]) -> str:
    """Few values one by one, many as their range."""
    known = sorted({value for value in values if value is not None})
    if len(known) > 6:
        return f"{known[0]:,} to {known[-1]:,} ({len(known)} sizes)"
    return ", ".join(f"{value:,}" for value in known)
