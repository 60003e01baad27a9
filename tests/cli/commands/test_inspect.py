"""prefixrun inspect: the page beside the run, the numbers, what is printed, and wrong arguments."""

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


def test_the_page_stands_beside_the_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_id, before = run.name[-12:], {path.name for path in run.iterdir()}
    assert main(["inspect", f"run={run_id}", "examples=2", "vocabulary=30"]) == 0
    printed = capsys.readouterr().out
    assert {path.name for path in run.iterdir()} - before == {"inspection.html", "inspection.json"}
    numbers = json.loads((run / "inspection.json").read_text(encoding="utf-8"))
    assert (numbers["schema_version"], numbers["run_id"], numbers["candidates"]) == (1, run_id, 30)
    html = (run / "inspection.html").read_text(encoding="utf-8")
    assert f"What the prefix of run {run_id} says" in html
    assert printed.splitlines()[0] == f"run {run_id}: e2e, prefix of length 4 for tiny_gpt2, seed 101"
    assert f"{run / 'inspection.html'}" in printed
    for subject in ("words", "attention", "left out"):
        assert f"  {subject}" in printed
    assert main(["verify", run_id, "regenerate=0"]) == 0, "the run is as it was"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "run: is missing; prefixrun inspect needs run=VALUE"),
        (["run=ID", "examples=0"], 2, "examples=0: must be a whole number from 1 to 1,000,000"),
        (["run=ID", "vocabulary=some"], 2, "vocabulary=some: must be a whole number from 1 to 1,000,000 or all"),
        (["run=ID", "data_dir=nowhere"], 2, "data_dir=nowhere: there is no such directory"),
        (["run=ID", "vocabulry=2"], 2, "did you mean vocabulary?"),
        (["run=zzz"], 3, "run zzz: no finished run of results has this id"),
        (["run=ID,ID"], 2, "names a run twice"),
    ],
)
def test_wrong_arguments_are_named(
    run: Path, arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", *(argument.replace("ID", run.name[-12:]) for argument in arguments)]) == code
    assert message in capsys.readouterr().err
