"""The form of generations.jsonl."""

from typing import Any

import pytest

from prefixrun.data.example import Example
from prefixrun.runs.generations import generation_line, outputs_of, wrong_line

ONE = Example("test-00000", "a", ("b", "c"))
LINE = {"id": "test-00000", "source": "a", "output": "x", "references": ["b", "c"]}


def test_a_line_has_all_outputs_where_there_are_several() -> None:
    assert generation_line(ONE, ["x"]) == LINE
    assert generation_line(ONE, ["x", "y"]) == {**LINE, "outputs": ["x", "y"]}


@pytest.mark.parametrize(
    ("lines", "outputs"),
    [
        ([], {}),
        ([LINE], {"test-00000": "x"}),
        ([{**LINE, "outputs": ["x", "y"]}], {"test-00000": "x"}),
        ([LINE, LINE], None),
        ([{**LINE, "source": "other"}], None),
        ([{**LINE, "output": 1}], None),
        ([{**LINE, "outputs": []}], None),
    ],
)
def test_lines_are_used_where_they_are_of_the_inputs(
    lines: list[dict[str, Any]], outputs: dict[str, str] | None
) -> None:
    assert outputs_of(lines, [ONE]) == outputs


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, ""),
        ({"output": None}, "output is None, expected text"),
        ({"references": [1]}, "references is [1], expected a list of texts"),
        ({"id": "test-00001"}, "id test-00001 stands there twice"),
    ],
)
def test_what_a_reader_may_not_rely_on(change: dict[str, Any], problem: str) -> None:
    assert wrong_line({**LINE, **change}, {"test-00001"}) == problem
