"""Trackio, read back from its own store."""

import os
from pathlib import Path

import pytest

from checkout import ROOT, SRC, python

# Its place is read when it is imported, hence a process of its own.
pytestmark = [pytest.mark.needs("trackio"), pytest.mark.slow]

PROGRAM = """
import sys
from pathlib import Path
from prefixrun.tracking.to_trackio import ToTrackio
from tracked_runs import send
send(ToTrackio, Path(sys.argv[1]))
from trackio.sqlite_storage import SQLiteStorage
(name,) = SQLiteStorage.get_runs("prefixrun")
print(name, SQLiteStorage.get_run_config("prefixrun", name)["run_id"])
for line in SQLiteStorage.get_logs("prefixrun", name):
    numbers = {key: line[key] for key in ("dev/loss", "score/BLEU") if line.get(key) is not None}
    print(line["step"], numbers, bool(line.get("samples")))
"""


def test_a_run_that_was_interrupted_is_one_run(tmp_path: Path) -> None:
    path = f"{SRC}{os.pathsep}{ROOT / 'tests/helpers'}"
    done = python("-c", PROGRAM, str(tmp_path), PYTHONPATH=path, TRACKIO_DIR=str(tmp_path / "store"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "e2e-prefix-tiny-0123456789ab 0123456789ab",
        "4 {'dev/loss': 2.5} False",
        "8 {'dev/loss': 1.5} False",
        "8 {'score/BLEU': 40.0} True",
    ]
