"""Files of rows: which file is read, and what its columns are. Rows of every form: test_own_task.py."""

import csv
from pathlib import Path

import pytest

from prefixrun.data import tables
from prefixrun.errors import DataError


def test_the_limit_of_a_field_is_one_that_every_system_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A C long has 32 bits on Windows, where a larger limit is an OverflowError."""
    limits: list[int] = []

    def field_size_limit(limit: int) -> int:
        limits.append(limit)
        return 131_072

    monkeypatch.setattr(csv, "field_size_limit", field_size_limit)
    (tmp_path / "dev.csv").write_text("source,target\na,b\n")
    table = tables.find(tmp_path, "dev")
    assert table is not None
    assert len(list(table.rows(()))) == 1
    assert limits == [2**31 - 1, 131_072]


def test_a_part_in_two_forms_is_refused(tmp_path: Path) -> None:
    for ending in ("csv", "jsonl"):
        (tmp_path / f"dev.{ending}").write_text("source,target\n")
    with pytest.raises(DataError, match=r"holds dev\.jsonl and dev\.csv, which are the same part in several forms"):
        tables.find(tmp_path, "dev")


@pytest.mark.parametrize(
    ("name", "content", "columns", "cells"),
    [
        ("a.csv", 'x,"y, z"\n1,"2\n3"\n', ("x", "y, z"), {"x": "1", "y, z": "2\n3"}),
        ("a.csv", "x;y\n1,5;2\n", ("x", "y"), {"x": "1,5", "y": "2"}),
        ("a.csv", "x, y \n1, 2\n", ("x", "y"), {"x": "1", "y": "2"}),
        ("a.csv", "x\ty\n1\t2\n", ("x", "y"), {"x": "1", "y": "2"}),
        ("a.tsv", "x,y\tz\n1\t2\n", ("x,y", "z"), {"x,y": "1", "z": "2"}),
        ("a.csv", "\ufeff,x\n0,1\n", ("", "x"), {"": "0", "x": "1"}),  # the index that pandas writes
    ],
)
def test_the_header_says_what_separates(
    tmp_path: Path, name: str, content: str, columns: tuple[str, ...], cells: dict[str, str]
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    table = tables.find(tmp_path, "a")
    assert table is not None
    assert table.columns == columns
    assert list(table.rows(columns)) == [(f"{tmp_path / name}:2", cells)]


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    assert tables.find(tmp_path, "a") is None
    assert tables.listed(tmp_path) == "nothing"


@pytest.mark.parametrize("names", [("1-of-00003",), ("0-of-00002", "1-of-00003"), ("0-of-00002", "2-of-00002")])
def test_a_part_of_its_parquet_files_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / f"train-0000{name}.parquet").write_bytes(b"")
    with pytest.raises(DataError, match=f"holds train-0000{names[0]}.*, which are not the whole of one part"):
        tables.find(tmp_path, "train")
