"""Sweeps whose runs are trained together: the same table, files and ends as without."""

import json
import math
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from full_disk import full_disk
from prefixrun.cli.main import main
from prefixrun.config.compose import configurations, points
from prefixrun.runs.run import Run
from prefixrun.sweeps import together
from prefixrun.sweeps.attempts import groups
from prefixrun.sweeps.plan import Job, jobs
from prefixrun.training.trainer import Training

SMALL = (
    *("model=tiny_gpt2", "method=prefix_flat", "init=random", "train_size=12", "train.max_steps=4"),
    *("train.warmup_steps=0", "train.batch_size=4", "train.eval_examples=4", "train.checkpoint_every=2"),
    *("test_size=2", "decode=greedy", "decode.max_new_tokens=4", "threads=1"),
)
GRID = ("prefix_len=1,3", "seed=1,2")


def sweep(*words: str) -> int:
    return main(["-m", *SMALL, *words])


def found(*words: str) -> list[Job]:
    return jobs(points([*SMALL, *words]))


def runs(*words: str) -> list[Run]:
    return [job.run for job in found(*words) if job.run is not None]


def states(*words: str) -> list[str]:
    return [job.state for job in found(*words)]


def without_times(text: str) -> list[str]:
    return re.sub(r" in [0-9.]+ (s|min)", "", text).splitlines()


def result_of(run: Run) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(run.result_json.read_text())
    return result


@pytest.fixture(scope="module")
def separate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The grid, each run alone."""
    directory = tmp_path_factory.mktemp("separate")
    path, os.environ["PATH"] = os.environ["PATH"], str(directory)
    try:
        assert sweep(*GRID, f"results_dir={directory}") == 0
    finally:
        os.environ["PATH"] = path
    return directory


def assert_equal_to_separate(directory: Path) -> None:
    theirs, ours = runs(*GRID, f"results_dir={directory}"), runs(*GRID)
    assert [run.id for run in ours] == [run.id for run in theirs], "it is no part of what a run is"
    for one, other in zip(ours, theirs, strict=True):
        mine, its = result_of(one), result_of(other)
        assert mine["scores"] == its["scores"]
        assert mine["settings"] == its["settings"]
        for ours_at, theirs_at in zip(mine["training"]["history"], its["training"]["history"], strict=True):
            assert ours_at == {key: pytest.approx(value, rel=1e-4) for key, value in theirs_at.items()}
        for key in ("train_tokens", "train_positions", "train_steps"):
            assert mine["costs"][key] == its["costs"][key]
        prefix, expected = load_file(one.trained_file)["decoder"], load_file(other.trained_file)["decoder"]
        torch.testing.assert_close(prefix, expected, rtol=1e-3, atol=1e-4)


def test_a_sweep_ends_as_without(separate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep(*GRID, "results_dir=separate") == 0
    expected = without_times(capsys.readouterr().out)
    assert sweep(*GRID, "joint=3") == 0
    assert without_times(capsys.readouterr().out) == expected
    assert_equal_to_separate(separate)
    assert [result_of(run)["provenance"]["joint"] for run in runs(*GRID)] == [3, 3, 3, 1]
    assert [result_of(run)["provenance"]["joint"] for run in runs(*GRID, f"results_dir={separate}")] == [1] * 4
    for run in runs(*GRID)[:3]:
        said = run.log.read_text()
        assert said.count("training together with other runs of the sweep") == 1
        assert said.count("step 4: train loss") == 1
        assert said.count(" parameters on 12 pairs") == 1, "each log has its own run's lines"
        assert not list(run.checkpoints.iterdir())
    assert sweep(*GRID, "joint=2") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "4 done before"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_all_and_they_go_on(
    separate: Path, number: int, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    step, sent = Training._step, list[int]()

    def signalled(self: Training, *arguments: Any, **named: Any) -> Any:
        loss = yield from step(self, *arguments, **named)
        if self.seed == 2 and self.progress.step == 3 and not sent:
            sent.append(number)
            os.kill(os.getpid(), number)
        return loss

    with monkeypatch.context() as patch:
        patch.setattr(Training, "_step", signalled)
        assert sweep(*GRID, "joint=4") == code
    assert capsys.readouterr().out.splitlines()[-2] == "4 interrupted"
    saved = [json.loads((run.checkpoints / "checkpoints.json").read_text())[-1]["step"] for run in runs(*GRID)]
    # The signal came in a turn of the second run, when the first had asked for the gradients of its fourth step.
    assert saved == [4, 3, 3, 3]
    assert states(*GRID) == ["interrupted"] * 4
    assert sweep(*GRID, "joint=4") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "4 done now"
    assert_equal_to_separate(separate)


def test_a_member_that_fails_leaves_the_others(
    separate: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    init = Training.__init__

    def broken(self: Training, method: Any, *arguments: Any, **named: Any) -> None:
        init(self, method, *arguments, **named)
        if self.seed == 2 and method.prefix_len == 3:
            with torch.no_grad():
                method.prefix["decoder"].fill_(math.nan)

    with monkeypatch.context() as patch:
        patch.setattr(Training, "__init__", broken)
        assert sweep(*GRID, "joint=4") == 1
    said = capsys.readouterr().out
    assert "3 done now, 1 failed" in said
    assert "step 1: the loss is not a number" in said
    assert states(*GRID) == ["finished", "finished", "finished", "failed"]
    assert "the loss is not a number" in str(runs(*GRID)[3].failure())
    assert sweep(*GRID, "joint=4") == 0
    assert_equal_to_separate(separate)


def test_what_ends_a_pass_is_the_failure_of_all_in_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: Any) -> None:
        raise MemoryError("of the device")

    monkeypatch.setattr(together, "together", no_memory)
    assert sweep(*GRID, "joint=4") == 1
    assert capsys.readouterr().out.splitlines()[-2] == "4 failed"
    assert states(*GRID) == ["failed"] * 4
    assert all("MemoryError" in run.log.read_text() for run in runs(*GRID))


def test_trained_held_and_impossible_runs_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep("prefix_len=1", "seed=1") == 0
    done, theirs, *_ = runs(*GRID)
    done.result_json.unlink()  # trained, but not scored
    with theirs.hold():
        assert sweep(*GRID, "joint=4", "decode.max_new_tokens=4,2000") == 75
    assert capsys.readouterr().out.count("tiny_gpt2 has 1024; lower") == 2 * 4
    assert states(*GRID) == ["finished", "interrupted", "finished", "finished"]
    assert [result_of(run)["provenance"]["joint"] for run in runs(*GRID) if run.result_json.exists()] == [1, 2, 2]


def test_a_full_disk_ends_the_sweep(capsys: pytest.CaptureFixture[str]) -> None:
    with full_disk(after_writes=12):
        assert sweep(*GRID, "joint=4") == 1
    assert "the disk is full (No space left on device)" in capsys.readouterr().out
    assert sweep(*GRID, "joint=4") == 0


def grouped(*words: str) -> list[tuple[int, ...]]:
    return groups(configurations([*SMALL, *words], multirun=True))


def test_groups_share_backbone_data_and_size_of_batches() -> None:
    assert grouped("seed=1,2,3,4,5", "joint=2") == [(0, 1), (2, 3), (4,)]
    assert grouped("seed=1,2,3") == [(0,), (1,), (2,)]
    assert grouped("joint=4", "model=tiny_gpt2,tiny_llama", "seed=1,2") == [(0, 1), (2, 3)]
    assert grouped("joint=4", "seed=1,2", "train.batch_size=4,8") == [(0, 2), (1, 3)]
    differing = ("method=prefix,prefix_flat,embedding", "train_size=8,12", "train.lr=0.1", "init=random,zero")
    assert grouped("joint=12", *differing) == [tuple(range(12))]


def test_what_cannot_share_a_pass_runs_alone() -> None:
    assert grouped("joint=4", "seed=1,2", "train.lm_dropout=true") == [(0,), (1,)]
    assert grouped("joint=4", "method=infix,prefix_flat", "seed=1,2") == [(0,), (1,), (2, 3)]


def test_one_run_has_no_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "joint=2"]) == 2
    assert "joint=2: only the runs of a sweep are trained together; add -m" in capsys.readouterr().err
