"""Which scores the page has columns for, and how many decimals they are shown with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from prefixrun.analysis import paper_numbers
from prefixrun.analysis.html.format import number
from prefixrun.analysis.html.table import Column
from prefixrun.results import display_names
from prefixrun.results.record import Record

DECIMALS = 2
"""Of scores that the paper does not print."""


@cache
def _printed() -> Mapping[tuple[str, str], int]:
    """(task, metric) → decimals, in the order of the paper's columns."""
    printed: dict[tuple[str, str], int] = {}
    for content in paper_numbers.MAIN:
        for row in paper_numbers.load(content):
            for cell in row.cells:
                printed.setdefault((row.task, cell.metric), cell.decimals)
    return printed


def score_text(value: float | None, scored_as: str, metric: str) -> str:
    """A score with the decimals that the paper prints for its task: METEOR is 46.1 on E2E and 0.39 on DART."""
    return number(value, _printed().get((scored_as, metric), DECIMALS))


def score_names(runs: Sequence[Record], *, with_values: bool = False) -> list[str]:
    """Every score that some run has, those that the paper prints first and in its order.

    `with_values`: without those that no run has a value of.
    """
    known = dict.fromkeys(
        name for run in runs for name in run.result["scores"] if not with_values or run.value(name) is not None
    )
    printed = dict.fromkeys(metric for _, metric in _printed() if metric in known)
    return [*printed, *(name for name in known if name not in printed)]


def heading(metric: str) -> str:
    """What a column of a score is called."""
    return display_names.of_metric(metric) + (" ↓" if display_names.less_is_better(metric) else "")


def score_columns(runs: Sequence[Record], names: Sequence[str]) -> list[Column]:
    """One column a score: the first main one of each task, other main ones while all rows have them, details."""
    main = [run.main_metrics for run in runs]
    first, others = {name for names in main for name in names[:1]}, {name for names in main for name in names}
    return [
        Column(
            heading(name),
            numeric=True,
            title="less is better" if display_names.less_is_better(name) else "",
            detail="" if name in first else "partial" if name in others else "always",
        )
        for name in names
    ]
