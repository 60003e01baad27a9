"""Which numbers of the paper's tables stand beside ours in a figure. Its figures print none."""

from __future__ import annotations

from collections.abc import Sequence

from prefixrun.analysis.comparability import is_share, speaks_of_the_paper
from prefixrun.analysis.figure_types import Curve, Kind, PaperMark
from prefixrun.analysis.groups import RunGroup
from prefixrun.analysis.paper_numbers import MAIN, Row, rows

VERSION = "ACL"
ALL_DATA = 100.0
"""The share of the training data, in per cent, of every row of the tables."""


def paper_marks(kind: Kind, metrics: Sequence[str], curves: Sequence[Curve]) -> tuple[PaperMark, ...]:
    """The rows that correspond to what a figure shows: its methods on the first backbone that the paper lists.

    Empty for figures without such rows: low data and initialisation, the sample corpus, tasks of other papers.
    """
    groups = [group for curve in curves for _, group in curve.points]
    first = groups[0].first
    if kind in ("low_data", "initialisation") or not all(speaks_of_the_paper(group.first) for group in groups):
        return ()
    printed = [
        row
        for row in rows(first.task, split=first.split, contents=(*MAIN, "ablations"))
        if row.version == VERSION and row.model and any(row.cell(metric) for metric in metrics)
    ]
    of_model = [row for row in printed if row.model == printed[0].model]
    # The ablations repeat a row of the main table.
    distinct = list({(row.method, row.params, row.prefix_len): row for row in reversed(of_model)}.values())[::-1]
    if kind == "prefix_length":
        methods = {group.method for group in groups}
        return tuple(
            _mark(row, metrics, float(row.prefix_len), "")
            for row in distinct
            if row.method in methods and row.prefix_len is not None
        )
    if kind == "data_fraction":
        groups = [group for curve in curves for x, group in curve.points if x == ALL_DATA]
    shown = [row for row in distinct if any(row in _rows_of(group, distinct) for group in groups)]
    several = {row.method for row in shown if sum(other.method == row.method for other in shown) > 1}
    x = ALL_DATA if kind == "data_fraction" else None
    return tuple(_mark(row, metrics, x, _size(row) if row.method in several else "") for row in shown)


def _rows_of(group: RunGroup, printed: Sequence[Row]) -> list[Row]:
    """The rows of a run group's method: those of its length and share of parameters where there are such."""
    alike = [row for row in printed if row.method == group.method]
    same_length = [row for row in alike if row.prefix_len == group.first.prefix_len]
    alike = same_length or alike
    return [row for row in alike if row.share and is_share(group.share, row.share)] or alike


def _size(row: Row) -> str:
    return row.params.replace("%", " %") or str(row.prefix_len)


def _mark(row: Row, metrics: Sequence[str], x: float | None, beside: str) -> PaperMark:
    cells = {metric: cell.value for metric in metrics if (cell := row.cell(metric)) is not None}
    return PaperMark(row.method, row.model, x, cells, beside)
