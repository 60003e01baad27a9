"""prefixrun verify: what it prints and writes, its exit codes, and wrong arguments."""

import json
import shutil
from pathlib import Path

import pytest

from prefixrun.cli.main import main


@pytest.fixture
def run(finished: Path) -> Path:
    """The directory of a copy of the finished run, below results/ of the working directory."""
    shutil.copytree(finished, "results")
    (directory,) = Path("results", "runs").iterdir()
    return directory


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


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "ID: is missing; prefixrun verify takes ID"),
        (["ID", "regenerate=all"], 2, "regenerate=all: must be a whole number"),
        (["ID", "data_dir=nowhere"], 2, "data_dir=nowhere: there is no such directory"),
        (["ID", "regenrate=2"], 2, "did you mean regenerate?"),
        (["zzz"], 3, "run zzz: no finished run of results has this id"),
    ],
)
def test_wrong_arguments_are_named(
    run: Path, arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", *(run.name[-12:] if argument == "ID" else argument for argument in arguments)]) == code
    assert message in capsys.readouterr().err
