"""The paper's tables and the comparisons of methods, as rows of cells that say everything about themselves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from prefixrun.analysis.equivalence import margin
from prefixrun.analysis.groups import RunGroup
from prefixrun.analysis.html.metrics import heading
from prefixrun.analysis.html.table import Cell, Column, HtmlTable
from prefixrun.analysis.method_tables import as_texts, method_tables
from prefixrun.analysis.paper_tables import SEEDS, Section, Table, TableCell, TableRow, Version, paper_tables
from prefixrun.analysis.table_format import choice_text, mean_sd_of, number, signed
from prefixrun.analysis.verdict_counts import MISSING, verdict_counts
from prefixrun.console import NONE
from prefixrun.console import Table as TextTable
from prefixrun.errors import DataError
from prefixrun.results import display_names

VERDICTS = {
    "reproduced": "good",
    "better": "good",
    "worse": "bad",
    "undecided": "open",
    "not comparable": "none",
}
"""Verdict of a cell → how it is marked; in the order of the summary."""

VERSIONS = {"ACL": "The published version (ACL)", "v1": "The first version (arXiv v1)"}

_NUMBER = re.compile(r"[+−-]?\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?")


@dataclass(frozen=True, slots=True)
class Chapter:
    """Tables under one heading, and why there are none."""

    title: str
    is_open: bool
    tables: tuple[HtmlTable, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Tables:
    """All of them, and the verdicts of the published version."""

    chapters: tuple[Chapter, ...]
    verdicts: tuple[tuple[str, Counter[str], int, str], ...]
    """(title, verdict → cells, how many of them are not comparable, `Table 2 (E2E)`)."""


def tables(groups: Sequence[RunGroup]) -> Tables:
    """The tables of both versions and the methods beside each other.

    Scores that cannot share a column are the `problem` of a chapter: the rest of the report does not depend on them.
    """
    chapters = []
    verdicts: tuple[tuple[str, Counter[str], int, str], ...] = ()
    for version in reversed(get_args(Version)):
        try:
            made = paper_tables(groups, version)
        except DataError as error:
            chapters.append(Chapter(VERSIONS[version], version == "ACL", (), str(error)))
            continue
        shown = tuple(_shown(table, section) for table in made for section in table.sections)
        chapters.append(Chapter(VERSIONS[version], version == "ACL", shown))
        if version == "ACL":
            verdicts = tuple(_verdicts(made))
    try:
        methods = Chapter(
            "Methods beside each other", True, tuple(map(_of_texts, map(as_texts, method_tables(groups))))
        )
    except DataError as error:
        methods = Chapter("Methods beside each other", True, (), str(error))
    return Tables((*chapters, methods), verdicts)


def _title(table: Table, section: Section) -> str:
    return f"{table.number}: {table.title[0].lower()}{table.title[1:]}, {display_names.of_task(section.task)}"


def _shown(table: Table, section: Section) -> HtmlTable:
    scores = (Column(heading(metric), numeric=True) for metric in section.metrics)
    shared = _shared_reasons(section)
    columns = (Column("Model and method"), Column("Runs", is_wide=True), *scores)
    rows = tuple(_row(row, shared) for row in section.rows)
    return HtmlTable(_title(table, section), columns, rows, tuple(_notes(section, shared)))


def _reasons(row: TableRow) -> list[str]:
    return row.why_not.split("; ") if row.why_not else []


def _shared_reasons(section: Section) -> list[str]:
    """Why all of our rows below the paper's cannot be compared with them."""
    below = [_reasons(row) for row in section.rows if row.paper is None]
    return [reason for reason in (below[0] if below else []) if all(reason in reasons for reasons in below)]


def _row(row: TableRow, shared: Sequence[str]) -> tuple[Cell, ...]:
    runs = tuple(run.run_id for run in row.group.runs) if row.group else ()
    method = row.group.method if row.group else row.paper.method if row.paper else ""
    return (Cell(row.label, method=method), _status(row, runs, shared), *(_cell(row, cell) for cell in row.cells))


def _status(row: TableRow, runs: tuple[str, ...], shared: Sequence[str]) -> Cell:
    if row.paper is None:
        row_reasons = [reason for reason in _reasons(row) if reason not in shared]
        return Cell("ours", below="; ".join(row_reasons), runs=runs)
    if not runs:
        return Cell("paper")
    seeds = f"{len(runs)}/{SEEDS} seeds" if len(runs) < SEEDS else ""
    return Cell((seeds + choice_text(row)).removeprefix("; "), runs=runs)


def _cell(row: TableRow, cell: TableCell) -> Cell:
    """Ours above the paper's, the difference and the verdict; whichever of them there are."""
    printed = cell.paper.printed if cell.paper else ""
    if cell.ours is None or row.group is None:
        return Cell(printed or NONE, cell.paper.value if cell.paper else None)
    text = mean_sd_of(cell.ours, cell.decimals, len(row.group.runs))
    if cell.paper is None or cell.difference is None or cell.judgement is None:
        return Cell(text, cell.ours.mean, ours=True)
    below = f"paper {printed}, {signed(cell.difference, cell.decimals)}"
    kind = VERDICTS.get(cell.judgement.kind, "none")
    return Cell(text, cell.ours.mean, True, below, kind, cell.judgement.text)


def _notes(section: Section, shared: Sequence[str]) -> Iterator[str]:
    if any(row.paper is None for row in section.rows):
        yield "Rows of ours are not comparable with the paper's" + (f": {'; '.join(shared)}." if shared else ".")
    empty = {(display_names.of_metric(cell.metric), cell.why_empty) for row in section.rows for cell in row.cells}
    reasons: dict[str, list[str]] = {}
    for metric, reason in sorted(empty):
        if reason:
            reasons.setdefault(reason, []).append(metric)
    yield from (f"No value for {', '.join(metrics)}: {reason}." for reason, metrics in reasons.items())
    if any(row.paper and row.group for row in section.rows):
        margins = (
            f"{display_names.of_metric(metric)} {number(margin(section.task, metric), 2)}" for metric in section.metrics
        )
        yield f"Reproduced means: within these margins of the printed number, at 95 %: {', '.join(margins)}."


def _verdicts(made: Sequence[Table]) -> Iterator[tuple[str, Counter[str], int, str]]:
    for table, section, counts in verdict_counts(made):
        if ours := Counter({str(kind): count for kind, count in counts.items() if kind != MISSING}):
            briefly = f"{table.number} ({display_names.of_task(section.task)})"
            yield _title(table, section), ours, ours["not comparable"], briefly


def _of_texts(made: TextTable) -> HtmlTable:
    columns = tuple(Column(column.heading or "Method", numeric=column.is_number) for column in made.columns)
    pairs = (zip(row.cells, columns, strict=True) for row in made.rows)
    rows = tuple(tuple(Cell(text, _number(text) if of.numeric else None) for text, of in cells) for cells in pairs)
    return HtmlTable(made.title, columns, rows, made.notes)


def _number(text: str) -> float | None:
    """The number that a text begins with."""
    match = _NUMBER.match(text.removeprefix("< "))
    return float(match[0].replace(",", "").replace("−", "-")) if match else None
