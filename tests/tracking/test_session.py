"""What trackers get of a run, and that none of them can harm it."""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from prefixrun import tracking
from prefixrun.cli import run_command
from prefixrun.runs.configure import compose
from prefixrun.runs.identity import find_run
from prefixrun.tracking import session
from prefixrun.tracking.session import Tracking, without_secrets
from prefixrun.tracking.tracker import Sample, TrackedRun, Values
from prefixrun.training.progress import Progress
from small_run import RESULT, SMALL


class Recorder:
    """A tracker that keeps what it gets, or fails at one of its calls."""

    def __init__(self, fails_at: str = "") -> None:
        self.fails_at, self.calls, self.runs = fails_at, list[tuple[Any, ...]](), list[TrackedRun]()

    def __call__(self, run: TrackedRun) -> "Recorder":
        self.runs.append(run)
        self._called("open")
        return self

    def scalars(self, step: int, values: Values) -> None:
        self._called("scalars", step, dict(values))

    def finish(self, step: int, values: Values, samples: Sequence[Sample]) -> None:
        self._called("finish", step, dict(values), list(samples))

    def close(self, *, finished: bool) -> None:
        self._called("close", finished)

    def _called(self, name: str, *arguments: Any) -> None:
        if name == self.fails_at:
            raise ConnectionError("http://me:hidden@server is away")
        self.calls.append((name, *arguments))


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder()
    monkeypatch.setattr(tracking, "opener", lambda name: made)
    monkeypatch.setattr(tracking, "find_spec", lambda name: SimpleNamespace(origin="a file"))
    return made


def a_session(directory: Path, setting: str = "mlflow") -> Tracking:
    return Tracking(setting, TrackedRun("0123456789ab", "run", {"seed": 1}, directory / "trackers"), directory)


def at(step: int, *history: dict[str, float]) -> Progress:
    return Progress(step=step, lr=step / 100, history=list(history), recent_losses=[1.0, 3.0])


GENERATION = {"id": "test-0", "source": "in", "output": "out", "references": ["ref", "other"]}


def test_points_at_evaluations_and_every_few_steps(tmp_path: Path, recorder: Recorder) -> None:
    tracked = a_session(tmp_path)
    first, second = ({"step": step, "train_loss": 3.0, "dev_loss": 2.0} for step in (4, 20))
    for progress in (at(3), at(4, first), at(5, first), at(10, first), at(20, first, second)):
        tracked.watch(progress)
    tracked.close()
    losses = {"train/loss": 3.0, "dev/loss": 2.0}
    assert recorder.calls == [
        ("open",),
        ("scalars", 4, {**losses, "train/recent_loss": 2.0, "train/lr": 0.04}),
        ("scalars", 10, {"train/recent_loss": 2.0, "train/lr": 0.1}),
        ("scalars", 20, {**losses, "train/recent_loss": 2.0, "train/lr": 0.2}),
        ("close", False),
    ]


def test_a_resumed_run_sends_what_is_missing_and_nothing_twice(tmp_path: Path, recorder: Recorder) -> None:
    entries = [{"step": step, "train_loss": float(step)} for step in (1, 2, 3)]
    for steps in (1, 2, 3):
        tracked = a_session(tmp_path)
        tracked.watch(at(steps, *entries[:steps]))
        tracked.close()
    late = a_session(tmp_path, "mlflow+wandb")
    late.finish({**RESULT, "training": {"history": entries}}, [GENERATION])
    late.close()
    assert [call[1] for call in recorder.calls if call[0] == "scalars"] == [1, 2, 3, *(1, 2, 3)]
    (finish, again) = [call for call in recorder.calls if call[0] == "finish"]
    assert finish == again
    assert finish[1] == 3
    assert finish[2].items() >= {"score/BLEU": 12.5, "cost/train_seconds": 1.5, "parameters/stored": 40.0}.items()
    assert finish[3] == [Sample("test-0", "in", "out", "ref")]
    assert not session.lacks("mlflow+wandb", tmp_path)
    before = len(recorder.calls)
    a_session(tmp_path, "mlflow+wandb").close()
    assert len(recorder.calls) == before


@pytest.mark.parametrize("call", ["open", "scalars", "finish", "close"])
def test_whatever_fails_is_one_warning(
    call: str, tmp_path: Path, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    recorder.fails_at = call
    tracked = a_session(tmp_path)
    for step in (10, 20):
        tracked.watch(at(step))
    tracked.finish(RESULT, [GENERATION])
    tracked.close()
    (message,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert message.startswith(
        "tracker mlflow: ConnectionError: http://…@server is away; the run is as without it, and all"
    )
    assert session.lacks("mlflow", tmp_path)


def test_a_tracker_that_hangs_is_left_behind(
    tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    free = Event()
    monkeypatch.setattr(session, "CLOSING_SECONDS", 0.05)
    monkeypatch.setattr(recorder, "scalars", lambda step, values: free.wait(10))
    tracked = a_session(tmp_path)
    tracked.watch(at(10))
    tracked.close()
    free.set()
    for sender in tracked._senders:
        assert sender.thread is not None
        sender.thread.join()
    assert "tracker mlflow: has not taken everything after 0 s" in caplog.text


def test_a_tracker_that_hangs_keeps_nothing_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hangs, other, free = Recorder(), Recorder(), Event()
    monkeypatch.setattr(tracking, "opener", lambda name: {"wandb": hangs, "tensorboard": other}[name])
    monkeypatch.setattr(hangs, "scalars", lambda step, values: free.wait(10))
    tracked = a_session(tmp_path, "wandb+tensorboard")
    tracked.watch(at(10))
    while ("scalars", 10, {"train/recent_loss": 2.0, "train/lr": 0.1}) not in other.calls:
        assert hangs.calls in ([], [("open",)])
    monkeypatch.setattr(session, "CLOSING_SECONDS", 0.2)
    tracked.close()
    free.set()
    for sender in tracked._senders:
        assert sender.thread is not None
        sender.thread.join()
    assert other.calls[-1] == ("close", False)
    assert "tracker wandb: has not taken everything" in caplog.text


def test_a_damaged_state_sends_all_again(tmp_path: Path, recorder: Recorder) -> None:
    (tmp_path / session.STATE).write_text('{"mlflow": 3}')
    tracked = a_session(tmp_path)
    tracked.watch(at(10))
    tracked.close()
    assert json.loads((tmp_path / session.STATE).read_text()) == {"mlflow": {"finished": False, "step": 10}}


def test_secrets_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "abcdef123")
    assert without_secrets("https://u:p@host/x failed for abcdef123") == "https://…@host/x failed for …"


def test_a_run_and_its_id_are_the_same_with_a_tracker(
    tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no Java: it takes seconds to start
    plain = replace(compose([*SMALL, "model=tiny_gpt2"]), results_dir=str(tmp_path / "results"))
    config = replace(plain, tracker="mlflow")
    run = find_run(config)
    assert run.id == find_run(plain).id
    recorder.fails_at = "scalars"
    assert run_command.run(config) == 0
    assert "tracker mlflow: ConnectionError" in capsys.readouterr().out
    assert run.state() == "finished"
    assert "tracker" not in run.result()["settings"]

    recorder.fails_at, recorder.calls = "", []
    assert run_command.run(config) == 0  # a finished run: what is missing is sent
    assert list(dict.fromkeys(call[0] for call in recorder.calls)) == ["open", "scalars", "finish", "close"]
    assert [call[1] for call in recorder.calls if call[0] == "scalars"] == [
        entry["step"] for entry in run.result()["training"]["history"]
    ]
    assert recorder.runs[-1].settings.items() >= {"task.name": "e2e", "seed": 101}.items()
    assert "results_dir" not in recorder.runs[-1].settings
    recorder.calls = []
    assert run_command.run(config) == 0
    assert recorder.calls == []
