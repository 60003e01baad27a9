"""The cells of the page's tables: what they show, sort by and lead to."""

from pathlib import Path

import pytest

from prefixrun.analysis.html.table import Cell, number_cell, run_cell, text_cell
from prefixrun.console import NONE
from prefixrun.results.records import load_records
from synthetic_records import write_record


@pytest.mark.parametrize(("value", "text"), [(None, NONE), ("", NONE), (0, "0"), ("a", "a")])
def test_a_text_or_that_there_is_none(value: object, text: str) -> None:
    assert text_cell(value) == Cell(text)


@pytest.mark.parametrize(
    ("value", "order"), [(None, ""), (1 / 3, "0.333333333"), (0.0, "0"), (-2.5, "-2.5"), (1543714304, "1543714304")]
)
def test_a_number_is_sorted_by_its_value(value: float | None, order: str) -> None:
    cell = number_cell(value, lambda shown: f"<{shown}>")
    assert (cell.text, cell.value, cell.order) == (f"<{value}>", value, order)


def test_a_run_leads_to_its_part_of_the_page_and_is_found_by_its_command(tmp_path: Path) -> None:
    directory = write_record(tmp_path, result={"provenance": {"command": "prefixrun seed=1"}})
    cell = run_cell(load_records(tmp_path).runs[0])
    assert cell.href == f"#run-{cell.text}"
    assert cell.search == f"{directory.name} prefixrun seed=1"
