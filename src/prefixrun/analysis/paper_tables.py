"""The paper's result tables with our runs beside every number: content only, see table_format.py for the forms.

Beside every row of the paper stands one run group at its setting, or nothing. Run groups that may not be compared with
the paper (another backbone or corpus, fewer pairs) stand in separate rows below, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from prefixrun.analysis.arms import choose
from prefixrun.analysis.comparability import check_signatures, is_of_row, obstacles, speaks_of_the_paper
from prefixrun.analysis.comparison import Estimate
from prefixrun.analysis.equivalence import Judgement, judge
from prefixrun.analysis.group_labels import circumstances, labels
from prefixrun.analysis.groups import RunGroup, runs_of, split_by
from prefixrun.analysis.paper_numbers import Cell, Content, Row, load
from prefixrun.results import display_names

Version = Literal["v1", "ACL"]

SEEDS = 3
"""Runs a cell wants: the paper's job grids list three seeds (101, 22, 9)."""

TABLES: tuple[tuple[Content, str, dict[Version, str]], ...] = (
    ("table_to_text", "Table-to-text generation", {"v1": "Table 1", "ACL": "Table 2"}),
    ("summarisation", "Summarisation", {"v1": "Table 2", "ACL": "Table 3"}),
    ("extrapolation", "Extrapolation to unseen topics", {"v1": "Table 3", "ACL": "Table 4"}),
    ("ablations", "Embedding-only and infix", {"v1": "Table 4", "ACL": "Table 5"}),
)


@dataclass(frozen=True, slots=True)
class TableCell:
    """One number of the paper, ours, or both."""

    metric: str
    decimals: int
    paper: Cell | None
    ours: Estimate | None
    judgement: Judgement | None
    """None in rows that stand below the paper's."""
    why_empty: str = ""
    """Why runs have no value."""

    @property
    def difference(self) -> float | None:
        """Ours minus the paper's."""
        return None if self.ours is None or self.paper is None else self.ours.mean - self.paper.value


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of the paper with one run group of ours or none, or one of our run groups alone."""

    label: str
    paper: Row | None
    group: RunGroup | None
    cells: tuple[TableCell, ...]
    why_not: str = ""
    """Why the run group may not be compared with the paper, for rows without `paper`."""
    searched: int = 0
    """How many settings the run group was chosen from, by the lowest development loss; itself included."""
    doubt: str = ""
    """Why that choice says nothing; empty when it does."""


@dataclass(frozen=True, slots=True)
class Section:
    """The rows of one task under the same columns."""

    task: str
    metrics: tuple[str, ...]
    rows: tuple[TableRow, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One table of one version of the paper."""

    version: Version
    number: str
    title: str
    sections: tuple[Section, ...]


def paper_tables(groups: Sequence[RunGroup], version: Version = "ACL") -> list[Table]:
    """All result tables of a version. Raises DataError when one column would hold scores with different signatures."""
    tables = []
    for content, title, numbers in TABLES:
        rows = [row for row in load(content) if row.version == version and row.table == numbers[version]]
        tasks = dict.fromkeys(row.task for row in rows)
        sections = tuple(_section(task, tuple(row for row in rows if row.task == task), groups) for task in tasks)
        tables.append(Table(version, numbers[version], title, sections))
    return tables


def _section(task: str, rows: tuple[Row, ...], groups: Sequence[RunGroup]) -> Section:
    metrics = {cell.metric: cell.decimals for row in rows for cell in row.cells}
    split = rows[0].split
    of_section = (group for group in groups if (group.first.task, group.first.split) == (task, split))
    here = [group for group in of_section if speaks_of_the_paper(group.first)]
    methods = {row.method for row in rows}
    if any(row.method in ("embedding", "infix") for row in rows):
        here = [group for group in here if group.first.method in methods]
    check_signatures(runs_of(here), metrics)
    # Beside each row of the paper the run group at its setting, below them the other run groups.
    at_papers_setting = [group for group in here if not obstacles(group.first.result, rows)]
    lines, selected, is_known_lower = [], set(), True
    for row in rows:
        candidates = [group for group in at_papers_setting if is_of_row(group.first.result, row)]
        if not candidates:
            lines.append(_beside(row, None, metrics))
            continue
        choice = choose(candidates)
        selected.add(choice.group)
        beside = _beside(row, choice.group, metrics)
        lines.append(replace(beside, searched=choice.searched, doubt=choice.doubt))
        is_known_lower = is_known_lower and not choice.doubt
    names = labels(here)
    for group in _largest([group for group in here if group not in selected]):
        lines.append(_below(names[group], group, rows, metrics, is_known_lower=is_known_lower))
    return Section(task, tuple(metrics), tuple(lines))


def _largest(groups: Sequence[RunGroup]) -> list[RunGroup]:
    """The run groups with the most training pairs of their model and corpus; smaller ones are for the figures."""
    by_corpus = split_by(groups, lambda group: (group.first.model, group.first.result["data_source"]))
    most = {group for alike in by_corpus for group in alike if group.n_train == max(other.n_train for other in alike)}
    return [group for group in groups if group in most]


def _beside(row: Row, group: RunGroup | None, metrics: dict[str, int]) -> TableRow:
    cells = tuple(_cell(metric, decimals, row.cell(metric), group, row.task) for metric, decimals in metrics.items())
    model = display_names.of_model(row.model) if row.model else "no pretrained model"
    method = f"{display_names.of_method(row.method)} {row.params}".rstrip()
    length = f", length {row.prefix_len}" if row.prefix_len is not None else ""
    return TableRow(f"{model}, {method}{length}", row, group, cells)


def _below(
    label: str, group: RunGroup, rows: Sequence[Row], metrics: dict[str, int], *, is_known_lower: bool
) -> TableRow:
    cells = tuple(_cell(metric, decimals, None, group, "") for metric, decimals in metrics.items())
    is_of_a_row = any(is_of_row(group.first.result, row) for row in rows)
    reasons = obstacles(group.first.result, rows) or [
        "another setting of the same row stands beside the paper" + ", of a lower development loss" * is_known_lower
        if is_of_a_row
        else "the paper has no row of this length or share of parameters"
    ]
    text = f"{display_names.of_model(group.first.model)}, {label} [{circumstances(group)}]"
    return TableRow(text, None, group, cells, "; ".join(reasons))


def _cell(metric: str, decimals: int, paper: Cell | None, group: RunGroup | None, task: str) -> TableCell:
    ours = group.estimate(metric) if group else None
    judgement = judge(task, group.unit_values(metric) if group else [], paper) if paper else None
    why = "" if ours or group is None else str(group.first.reason(metric))
    return TableCell(metric, decimals, paper, ours, judgement, why)
