"""JSON lines with the line that each stands on. What own tasks make of them: test_own_task.py."""

from pathlib import Path

import pytest

from prefixrun.data import jsonl
from prefixrun.data.text_io import read_text
from prefixrun.errors import DataError


def test_objects_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\n{"a": "\u2028"}\n', encoding="utf-8")
    assert list(jsonl.records(read_text(path))) == [(f"{path}:1", {"a": 1}), (f"{path}:3", {"a": "\u2028"})]


def test_an_error_has_the_line_of_the_file() -> None:
    with pytest.raises(DataError, match=r"^a\.jsonl:7: not JSON"):
        jsonl.parse('{"a": ', "a.jsonl:7")
