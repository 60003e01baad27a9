"""The plan of a sweep: states, estimates from finished runs, a file for programs; nothing is run."""

import json
import sys
from pathlib import Path

import pytest

from prefixrun.cli.main import main
from prefixrun.sweeps.estimate import METEOR, START

TINY = ("model=tiny_gpt2", "method=prefix_flat", "init=random", "train.warmup_steps=0", "decode=greedy", "test_size=2")


def test_a_plan_runs_nothing_and_says_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *TINY, "seed=1,2", "prefix_len=0,2", "threads=1,2"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0] == "sweep: 6 runs for 8 points: 2 to do, 4 impossible"
    assert "prefix_len=0: must be a whole number at least 1" in said
    assert "2 runs to do, for an unknown time: no finished run is like them" in said
    assert list(Path.cwd().iterdir()) == []


def test_files_of_ones_own_are_planned_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("quick: {grid: [{prefix_len: [1, 2]}]}\n")
    assert main(["plan", "experiment=mine", *TINY, "--config-dir", str(tmp_path)]) == 0
    assert "2 runs" in capsys.readouterr().out


def test_times_come_from_finished_runs_like_it(capsys: pytest.CaptureFixture[str]) -> None:
    size = ("train_size=8", "train.max_steps=1", "threads=1")
    assert main([*TINY, *size, "seed=1"]) == 0
    capsys.readouterr()
    assert main(["plan", *TINY, "train_size=8", "threads=1", "train.max_steps=1,null", "seed=1", "json=plan.json"]) == 0
    done, left = json.loads(Path("plan.json").read_text())["runs"]
    assert (done["state"], done["estimated_seconds"]) == ("finished", None)
    costs = json.loads(next(Path("results").rglob("result.json")).read_text())["costs"]
    assert left["state"] == "new"
    assert left["estimated_seconds"] == pytest.approx(
        START + METEOR + costs["train_seconds"] * 3 + costs["decode_seconds"]
    )
    assert left["overrides"][-2:] == ["train.max_steps=null", "seed=1"]
    assert "1 run to do: about " in capsys.readouterr().out


def test_a_plan_loads_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prefixrun.runs.stages", None)
    assert main(["plan", *TINY, "seed=1,2"]) == 0
