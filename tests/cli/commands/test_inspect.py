"""prefixrun inspect: the page beside the run, the numbers, what is printed, and wrong arguments."""

import json
from pathlib import Path

import pytest

from prefixrun.cli.main import main


def test_the_page_stands_beside_the_run(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_id, before = run.name[-12:], {path.name for path in run.iterdir()}
    directory = tmp_path / "pictures"
    directory.mkdir()
    assert main(["inspect", f"run={run_id}", "examples=2", "vocabulary=30", f"pictures={directory}"]) == 0
    printed = capsys.readouterr().out
    assert {path.name for path in run.iterdir()} - before == {"inspection.html", "inspection.json"}
    numbers = json.loads((run / "inspection.json").read_text(encoding="utf-8"))
    assert (numbers["schema_version"], numbers["run_id"], numbers["candidates"]) == (1, run_id, 30)
    html = (run / "inspection.html").read_text(encoding="utf-8")
    assert f"What the prefix of run {run_id} says" in html
    assert printed.splitlines()[0] == f"run {run_id}: e2e, prefix of length 4 for tiny_gpt2, seed 101"
    assert f"{run / 'inspection.html'}" in printed
    assert sorted(path.name for path in directory.iterdir()) == [
        f"{run_id}-{name}.svg"
        for name in (
            "attention-to-each-position",
            "direction-beside-that-of-tokens",
            "one-position-or-one-layer-left-out",
            "positions-and-layers-left-out-together",
            "size-beside-that-of-tokens",
        )
    ]
    assert all(path.read_text(encoding="utf-8").startswith("<?xml") for path in directory.iterdir())
    for subject in ("words", "attention", "left out"):
        assert f"  {subject}" in printed
    assert main(["verify", run_id, "regenerate=0"]) == 0, "the run is as it was"


def test_a_directory_for_pictures_that_cannot_be_written_is_refused_at_once(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert main(["inspect", f"run={run}", f"pictures={run}"]) == 2
    assert f"pictures={run}: cannot be written" in capsys.readouterr().err
