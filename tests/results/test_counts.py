"""Counts that were cut off or damaged are named."""

from pathlib import Path
from typing import Any

import pytest

from prefixrun.errors import DamagedStateError
from prefixrun.results.records import Records, load_records
from synthetic_records import write_record


def only(records: Records) -> Any:
    (record,) = records.runs
    return record


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 but no more", b"{nothing"])
def test_a_run_whose_counts_are_cut_off_is_left_out(tmp_path: Path, content: bytes) -> None:
    directory = write_record(tmp_path)
    (directory / "stats.parquet").write_bytes(content)
    loaded = load_records(tmp_path)
    assert loaded.runs == ()
    assert "stats.parquet is cut off" in loaded.skipped[0].reason


def test_damaged_counts_are_named(tmp_path: Path) -> None:
    directory = write_record(tmp_path)
    (directory / "stats.parquet").write_bytes(b"PAR1 and nothing of the kind PAR1")
    with pytest.raises(DamagedStateError, match=r"stats\.parquet: ArrowInvalid: .*keep the record again"):
        only(load_records(tmp_path)).stats()
