"""prefixrun verify: what it prints and writes, its exit codes, and wrong arguments."""

import json
from pathlib import Path

import pytest

from prefixrun.cli.main import main


def test_the_checks_are_printed_and_written(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = run.name[-12:]
    arguments = ["verify", run_id, "regenerate=0", "json=checks.json"]
    assert main(arguments) == 0
    *lines, empty, last = capsys.readouterr().out.splitlines()
    content = json.loads(Path("checks.json").read_text())
    assert content["run_id"] == run_id
    assert [line.partition("  ")[0] for line in lines] == [check["outcome"] for check in content["checks"]]
    assert (empty, last.startswith(f"run {run_id}: "), "wrong" in last) == ("", True, False)
    (run / "config.json").write_text("{nothing")
    assert main(arguments) == 5
    assert "1 wrong" in capsys.readouterr().out
