"""The model of every table of the page: cells that say everything about themselves, and how they sort."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from prefixrun.analysis.html.format import number
from prefixrun.console import NONE
from prefixrun.results import display_names
from prefixrun.results.record import Record


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, and what the reader can do with what is below it."""

    label: str
    numeric: bool = False
    title: str = ""
    """What a short label stands for."""
    is_filter: bool = False
    """Whether a list of its values narrows the table down."""
    detail: Literal["", "always", "partial"] = ""
    """Whether it is hidden until all columns are asked for; partial: only while some row in sight has no value."""
    is_wide: bool = False
    unit: str = ""
    """Of the values that the column is sorted by, for its CSV."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell; the lines that are empty are not shown."""

    text: str
    value: float | None = None
    """What a numeric column is sorted by."""
    ours: bool = False
    below: str = ""
    kind: str = ""
    """How the verdict is marked."""
    verdict: str = ""
    runs: tuple[str, ...] = ()
    """Ids of the runs behind it."""
    href: str = ""
    search: str = ""
    """What a search finds beside the text."""
    is_code: bool = False
    method: str = ""
    """Name of the method whose mark stands before the text."""

    @property
    def order(self) -> str:
        """`value` as it is sorted and downloaded: a whole number with all its digits."""
        if self.value is None:
            return ""
        return f"{self.value:.0f}" if self.value % 1 == 0 else f"{self.value:.9g}"


@dataclass(frozen=True, slots=True)
class HtmlTable:
    """One table; the first column names the row."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    is_long: bool = False
    """Whether it has pages, a search and filters."""


def text_cell(text: object, *, is_code: bool = False) -> Cell:
    """A text, or that there is none."""
    return Cell(NONE if text is None or text == "" else str(text), is_code=is_code)


def method_cell(name: str) -> Cell:
    """A method by its name and its mark in figures."""
    return Cell(display_names.of_method(name), method=name)


def number_cell(value: float | None, show: Callable[[float | None], str] = number) -> Cell:
    """A number, shown with `show` and sorted by its value."""
    return Cell(show(value), value)


def run_cell(run: Record) -> Cell:
    """A link to what the page says of a run; a search finds its directory and command too."""
    search = f"{run.directory.name} {run.result['provenance'].get('command') or ''}"
    return Cell(run.run_id, href=f"#run-{quote(run.run_id)}", search=search, is_code=True)
