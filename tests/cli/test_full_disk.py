"""A full disk ends a run with one message and leaves whole files; the run goes on when there is room again."""

import json
from pathlib import Path

import pytest

from full_disk import full_disk
from prefixrun.cli.main import main

GONE_ON = ("train.checkpoint_every=1", "decode.batch_size=1")


@pytest.mark.parametrize(
    ("number", "name"),
    [(1, "config.json"), (5, "step-00000001.safetensors"), (14, "prefix.safetensors"), (17, "generations.jsonl")],
)
def test_a_run_goes_on_when_there_is_room_again(
    number: int,
    name: str,
    small: tuple[str, ...],
    finished: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["model=tiny_gpt2", *small, *GONE_ON]
    with full_disk(after_writes=number - 1):
        assert main(command) == 1
    (run,) = Path("results", "runs").iterdir()
    said = capsys.readouterr().err
    assert said.startswith(f"prefixrun: {Path('results', 'runs', run.name)}/")
    assert f"{name}: the disk is full (No space left on device); nothing was half-written. Make room and run" in said
    assert said.count("\n") == 1
    left = {path.name for path in run.iterdir()}
    assert not {"failed.json", "result.json", "holder.json"} & left
    assert not list(run.rglob(".*tmp*")), "no half-written file"

    assert main(command) == 0
    (whole,) = (finished / "runs").iterdir()
    for kept in ("prefix.safetensors", "generations.jsonl", "stats.parquet"):
        assert (run / kept).read_bytes() == (whole / kept).read_bytes(), kept
    scores = [json.loads((each / "result.json").read_text())["scores"] for each in (run, whole)]
    assert scores[0] == scores[1]
