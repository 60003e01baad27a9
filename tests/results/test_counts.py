"""Counts that were cut off or damaged are named."""

import re
from pathlib import Path

import pytest

from prefixrun.results.records import load_records, with_usable_counts
from synthetic_records import write_record


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 but no more", b"PAR1 and nothing of the kind PAR1", b"{"])
def test_a_run_whose_counts_are_damaged_is_left_out(tmp_path: Path, content: bytes) -> None:
    directory = write_record(tmp_path)
    (directory / "stats.parquet").write_bytes(content)
    loaded = with_usable_counts(load_records(tmp_path))
    assert loaded.runs == ()
    assert re.search(r"stats\.parquet: ArrowInvalid: .*keep the record again", loaded.skipped[0].reason)
