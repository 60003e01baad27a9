"""Every number the paper prints, read from results/paper/*.csv, each with its table and version.

The numbers of later papers, whose settings are a `variant`, are in results/published/VARIANT.csv in the same form.

Two versions differ in some cells: "v1" (arXiv 2101.00190v1) and "ACL" (the published one). Values keep the digits that
were printed. Metric names and scales are those of result.json.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from prefixrun.errors import DamagedStateError

Content = Literal[
    "table_to_text",
    "summarisation",
    "extrapolation",
    "table_to_text_dev",
    "ablations",
    "data_statistics",
    "running_text",
]
"""The files of results/paper, without their ending."""

CONTENTS: tuple[Content, ...] = get_args(Content)

MAIN: tuple[Content, ...] = ("table_to_text", "summarisation", "extrapolation", "table_to_text_dev")
"""The paper's results: one row for each model and method of a task."""

_KEY = ("version", "table", "task", "split", "model", "method", "params", "prefix_len")
_COLUMNS = (*_KEY, "metric", "value", "copies", "source")


@dataclass(frozen=True, slots=True)
class Cell:
    """One printed number."""

    metric: str
    value: float
    printed: str
    """As printed, with a leading zero: its digits say how far it is rounded."""

    @property
    def decimals(self) -> int:
        """Digits behind the point."""
        return len(self.printed.partition(".")[2])


@dataclass(frozen=True, slots=True)
class Row:
    """The numbers of one model and method in one table."""

    version: str
    table: str
    task: str
    split: str
    model: str
    """Empty where the paper's row is a published system of another kind, see `source`."""
    method: str
    """This project's name of the method; "sota" for the systems of others that the paper lists."""
    params: str
    """Share of parameters as the paper writes it behind the method, `0.1%`, or empty; a number of them in the paper of
    LoRA, `0.35M`."""
    prefix_len: int | None
    """None where there is no prefix or the paper does not say."""
    source: str
    cells: tuple[Cell, ...]

    @property
    def share(self) -> float | None:
        """The share in per cent; None where the paper writes none."""
        return float(self.params.removesuffix("%")) if self.params.endswith("%") else None

    def cell(self, metric: str) -> Cell | None:
        """The number of one metric; None when the paper has none here."""
        return next((cell for cell in self.cells if cell.metric == metric), None)


def rows(task: str, *, split: str = "test", contents: tuple[Content, ...] = MAIN) -> tuple[Row, ...]:
    """The paper's rows for a task, in the paper's order, v1 before ACL; empty for a task the paper does not have."""
    return tuple(row for content in contents for row in load(content) if row.task == task and row.split == split)


def published(variant: str | None, task: str, *, split: str = "test") -> tuple[Row, ...]:
    """The rows of the paper that a variant follows, where it is not the paper of prefix-tuning; else none."""
    path = published_directory() / f"{variant}.csv"
    return tuple(row for row in _read(path) if row.task == task and row.split == split) if path.is_file() else ()


@cache
def load(content: Content) -> tuple[Row, ...]:
    """All rows of one file. Raises DamagedStateError ("file:line: ...") when the file is missing or altered in form."""
    return _read(directory() / f"{content}.csv")


def _read(path: Path) -> tuple[Row, ...]:
    grouped: dict[tuple[str, ...], list[Cell]] = {}
    sources: dict[tuple[str, ...], str] = {}
    with open(path, encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if tuple(reader.fieldnames or ()) != _COLUMNS:
            raise DamagedStateError(f"{path}:1: columns are not {','.join(_COLUMNS)}; install prefixrun again")
        for line in reader:
            key = tuple(line[name] for name in _KEY)
            try:
                cell = Cell(line["metric"], float(line["value"]), line["value"])
            except (TypeError, ValueError) as error:
                raise DamagedStateError(f"{path}:{reader.line_num}: {error}; install prefixrun again") from error
            grouped.setdefault(key, []).append(cell)
            sources[key] = line["source"]
    return tuple(_row(key, sources[key], tuple(cells)) for key, cells in grouped.items())


def _row(key: tuple[str, ...], source: str, cells: tuple[Cell, ...]) -> Row:
    version, table, task, split, model, method, params, length = key
    return Row(version, table, task, split, model, method, params, int(length) if length else None, source, cells)


def directory() -> Path:
    """Where the CSVs are: results/paper of a checkout, or the copy inside the installed package."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package.parents[1] / "results" / "paper", package / "paper_numbers"):
        if all((candidate / f"{content}.csv").is_file() for content in CONTENTS):
            return candidate
    raise DamagedStateError(f"{package}: the paper's numbers (paper_numbers/*.csv) are gone; install prefixrun again")


def published_directory() -> Path:
    """Where the numbers of later papers are, beside those of the paper."""
    paper = directory()
    return paper.with_name("published" if paper.name == "paper" else "published_numbers")
