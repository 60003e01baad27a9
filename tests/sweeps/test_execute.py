"""Sweeps of tiny models in this process: what is skipped, redone, listed, and how a sweep ends."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from full_disk import full_disk
from prefixrun.cli import run_command
from prefixrun.cli.main import main
from prefixrun.errors import DiskFullError, DivergedError, Interrupted, PrefixrunError
from prefixrun.runs import pipeline, prepare
from prefixrun.runs.configure import sweep_points
from prefixrun.sweeps import execute
from prefixrun.sweeps.attempts import Outcome
from prefixrun.sweeps.plan import Job, plan_jobs
from small_run import SMALLEST as SMALL


def sweep(*words: str) -> int:
    return main(["-m", *SMALL, *words])


def found(*words: str) -> list[Job]:
    return plan_jobs(sweep_points([*SMALL, *words]))


def states(*words: str) -> list[str]:
    return [job.state for job in found(*words)]


@pytest.fixture
def before_completing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], None]], None]:
    """Call something with the seed of a run before it is worked on."""
    run_stages = pipeline.run_stages

    def install(action: Callable[[int], None]) -> None:
        def first(run: Any, prepared: Any) -> None:
            action(prepared.config.seed)
            run_stages(run, prepared)

        monkeypatch.setattr(pipeline, "run_stages", first)

    return install


Install = Callable[[Callable[[int], None]], None]


def test_a_run_whose_record_is_here_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    """As in a fresh clone, which has results/records and no runs."""
    assert sweep("seed=1") == 0
    assert main(["keep", "run=all"]) == 0
    (job,) = found("seed=1")
    assert job.run is not None
    shutil.rmtree(job.run.directory)
    assert states("seed=1,2") == ["kept", "new"]
    assert sweep("seed=1,2") == 0
    assert "1 done, kept as a record, 1 to do" in capsys.readouterr().out
    assert states("seed=1,2") == ["kept", "finished"]
    job.run.record_json.write_text("{}")
    (damaged,) = found("seed=1")
    assert damaged.state == "failed"
    assert str(job.run.record_json) in damaged.reason
    assert sweep("seed=1") == 0
    assert states("seed=1") == ["finished"]


def test_finished_runs_are_skipped_and_impossible_ones_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sweep("seed=1,2,1", "threads=1,2", "prefix_len=2,0,5000") == 0
    said = capsys.readouterr().out
    assert "[1/4] seed=1 threads=1 prefix_len=2: done now in " in said
    assert "prefix_len=0: must be a whole number at least 1" in said
    assert "tiny_gpt2 has 1024" in said
    assert said.count("example 1 of") == 0, "no closing of single runs"
    lines = said.splitlines()
    assert lines[0] == "sweep: 8 runs for 12 points: 4 to do, 4 impossible"
    assert lines[-2] == "2 done now, 6 impossible"

    monkeypatch.setattr(pipeline, "run_stages", None)  # nothing is computed again
    assert sweep("seed=1,2") == 0
    assert capsys.readouterr().out.splitlines()[-2] == "2 done before"


def test_when_nobody_reads_on_the_sweep_ends_quietly(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "prefixrun", "-m", *SMALL, "seed=1,2"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as ended:
        assert ended.stdout is not None
        assert ended.stderr is not None
        ended.stdout.readline()
        ended.stdout.close()
        said = ended.stderr.read().decode()
    assert ended.returncode == 128 + signal.SIGPIPE
    assert "Traceback" not in said


@pytest.mark.parametrize("content", ["", "{}", '{"message": 3}'])
def test_a_damaged_note_of_a_failure_stops_nothing(content: str, capsys: pytest.CaptureFixture[str]) -> None:
    (job,) = found("seed=1")
    assert job.run is not None
    with job.run.hold():
        job.run.fail("no luck")
    job.run.failed_json.write_text(content)
    assert main(["plan", *SMALL, "seed=1,2"]) == 0
    assert sweep("seed=1,2") == 0
    assert states("seed=1,2") == ["finished", "finished"]


def test_a_sweep_in_which_nothing_is_possible_is_a_wrong_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep("prefix_len=0,-1") == 2
    assert "2 impossible" in capsys.readouterr().out
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize(
    ("error", "code"), [(PrefixrunError("no luck"), 1), (ZeroDivisionError("a defect"), 1), (MemoryError("much"), 1)]
)
def test_one_failed_run_does_not_stop_the_others_and_is_redone(
    before_completing: Install, capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    unlucky = [2]

    def fail(seed: int) -> None:
        if seed in unlucky:
            raise error

    before_completing(fail)
    assert sweep("seed=1,2,3") == code
    said = capsys.readouterr().out
    assert "2 done now, 1 failed" in said
    assert str(error) in said
    (failed,) = [job for job in found("seed=1,2,3") if job.state == "failed"]
    assert failed.run is not None
    assert f"log: {failed.run.log}" in said
    unlucky.clear()
    assert sweep("seed=1,2,3") == 0
    assert capsys.readouterr().out.splitlines()[-2] == "2 done before, 1 done now"


def test_a_diverged_run_is_a_state_of_its_own_and_not_redone(
    before_completing: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    tried: list[int] = []

    def diverge(seed: int) -> None:
        tried.append(seed)
        if seed == 2:
            raise DivergedError("step 9: too high; try train.lr=0.1", {"factor": 2.5, "steps": 20})

    before_completing(diverge)
    assert sweep("seed=1,2,3") == 6
    said = capsys.readouterr().out
    assert "seed=2: diverged in " in said
    assert "2 done now, 1 diverged" in said
    assert "the same command again" not in said
    assert states("seed=1,2,3") == ["finished", "diverged", "finished"]
    assert tried == [1, 2, 3]

    assert sweep("seed=1,2,3") == 6
    said = capsys.readouterr().out
    assert "sweep: 3 runs: 2 done, 1 diverged" in said
    assert "try train.lr=0.1" in said
    assert tried == [1, 2, 3]
    assert main(["plan", *SMALL, "seed=1,2,3"]) == 0
    assert "nothing is left to do" in capsys.readouterr().out
    assert main(["ls", "state=diverged"]) == 0
    said = capsys.readouterr().out
    assert "1 of 3 runs" in said
    assert "step 9: too high; try train.lr=0.1" in said

    assert sweep("seed=2", "train.diverged_factor=3") == 6, "judged by another factor, so it is tried again"
    assert tried == [1, 2, 3, 2]


def test_a_run_that_says_it_was_interrupted_ends_the_sweep(
    before_completing: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where a program's own handler takes the signal and goes on."""

    def interrupt(seed: int) -> None:
        if seed == 2:
            raise Interrupted("stopped")

    before_completing(interrupt)
    assert sweep("seed=1,2,3") == 130
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == ["1 done now, 1 interrupted, 1 not started", "the same command again does what is left"]
    assert states("seed=1,2,3") == ["finished", "interrupted", "new"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_sweep_with_its_table(
    before_completing: Install, capsys: pytest.CaptureFixture[str], number: int, code: int
) -> None:
    before_completing(lambda seed: os.kill(os.getpid(), number) if seed == 2 else None)
    assert sweep("seed=1,2,3") == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == ["1 done now, 1 interrupted, 1 not started", "the same command again does what is left"]
    assert states("seed=1,2,3") == ["finished", "interrupted", "new"]


def test_a_run_of_another_process_is_left_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    theirs = found("seed=1,2")[0].run
    assert theirs is not None
    with theirs.hold():
        assert sweep("seed=1,2") == 75
    said = capsys.readouterr().out
    assert "1 done now, 1 held by another process" in said
    assert f"process {os.getpid()} on " in said
    assert sweep("seed=1,2") == 0


def test_a_run_that_another_sweep_finishes_meanwhile_is_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two sweeps at once: the other one takes a run after this one has looked, and finishes it before the end."""
    theirs = found("seed=1,2")[0].run
    assert theirs is not None
    original = prepare.prepare

    def meanwhile(config: Any) -> Any:
        if config.seed == 2 and theirs.state() != "finished":
            hold.__exit__(None, None, None)
            assert run_command.run(found("seed=1")[0].config) == 0
        elif config.seed == 1 and theirs.state() == "new":
            hold.__enter__()
        return original(config)

    hold = theirs.hold()
    monkeypatch.setattr(prepare, "prepare", meanwhile)
    assert sweep("seed=1,2") == 0
    assert "1 done before, 1 done now" in capsys.readouterr().out


def test_a_full_disk_ends_the_sweep(capsys: pytest.CaptureFixture[str]) -> None:
    with full_disk(after_writes=3):
        assert sweep("seed=1,2,3") == 1
    said = capsys.readouterr().out
    assert "the disk is full (No space left on device)" in said
    assert "1 failed, 2 not started" in said
    assert sweep("seed=1,2,3") == 0
    assert states("seed=1,2,3") == ["finished"] * 3


def test_a_tree_that_cannot_be_written_stops_the_sweep_before_it_starts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (Path.cwd() / "closed").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert sweep("seed=1,2", "results_dir=closed") == 2
    said = capsys.readouterr()
    assert said.err.startswith("prefixrun: results_dir: closed cannot be written (")
    assert said.out == ""


def test_a_point_that_names_another_run_of_the_sweep_is_done_behind_it(capsys: pytest.CaptureFixture[str]) -> None:
    """A combination names runs by their tasks, and what these have trained is part of what it is."""
    conf = Path("conf/experiment")
    conf.mkdir(parents=True)
    (conf / "both.yaml").write_text(
        "quick:\n  grid:\n"
        "    - {method: prefix_flat, init: random, task: [e2e, webnlg]}\n"
        "    - {method: prefix_combined, method.combine: average, method.runs: [e2e+webnlg, e2e+dart]}\n"
    )
    words = [word for word in SMALL if not word.startswith(("method", "init"))]
    assert main(["--config-dir", "conf", "-m", "experiment=both", *words]) == 0
    said = capsys.readouterr().out
    assert "2 to do, 2 impossible" in said
    assert "\n1 more run can be done now\n[1/1] " in said
    assert "3 done now, 1 impossible" in said
    assert said.count("do that run first") == 1


def both(*further: str) -> list[str]:
    """The words of a sweep of two trainings and a combination of them."""
    conf = Path("conf/experiment")
    conf.mkdir(parents=True, exist_ok=True)
    (conf / "both.yaml").write_text(
        "quick:\n  grid:\n"
        "    - {method: prefix_flat, init: random, task: [e2e, webnlg]}\n"
        "    - {method: prefix_combined, method.combine: average, method.runs: e2e+webnlg}\n"
    )
    small = [word for word in SMALL if not word.startswith(("method", "init"))]
    return ["--config-dir", "conf", "-m", "experiment=both", *small, *further]


def test_a_full_disk_ends_a_sweep_with_impossible_points(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(config: Any) -> Outcome:
        raise DiskFullError("the disk is full")

    words = both()
    monkeypatch.setattr(execute, "attempt", full)
    assert main(words) == DiskFullError.exit_code
    assert capsys.readouterr().out.count("the disk is full") == 2, "as the run ends, and in the table"


def test_what_a_sweep_is_was_decided_when_it_began(
    capsys: pytest.CaptureFixture[str], before_completing: Install
) -> None:
    """The file of its grid is edited while it works."""
    words = both()
    before_completing(lambda seed: (Path("conf/experiment") / "both.yaml").write_text("quick: {"))
    assert main(words) == 0
    assert "3 done now" in capsys.readouterr().out
