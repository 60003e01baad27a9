"""The part of a page between two markers, which a script writes from the committed runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from prefixrun.files import write_text
from prefixrun.results.record import Record
from prefixrun.results.records import load_records
from prefixrun.runs.run import RECORDS

ROOT = Path(__file__).parents[1]


def replaced(page: str, markers: tuple[str, str], text: str) -> str:
    """The page with the text between its markers; ends the program where it lacks one."""
    begin, end = markers
    if begin not in page or end not in page:
        sys.exit(f"the page has no lines {begin} and {end}")
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n\n{text}\n\n{end}{rest.partition(end)[2]}"


def rewrite(path: Path, updated: Callable[[str, Sequence[Record]], str]) -> None:
    """Write a page anew; `updated` makes it of the page and the committed runs."""
    write_text(path, updated(path.read_text(encoding="utf-8"), load_records(ROOT / "results", (RECORDS,)).runs))
