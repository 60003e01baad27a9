"""A run and its trackers: what is sent when, and that none of them can harm the run.

Each tracker has a thread that sends to it, so that a slow or absent server holds up neither a step nor the other
trackers. What a tracker raises becomes one warning, and it gets nothing more from this process. tracking.json of the
run holds how far each has come: a run that goes on, or the same command once more, sends what is missing.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from prefixrun import files, tracking
from prefixrun.config.schema import Config
from prefixrun.config.setting_roles import flatten, local_paths, without
from prefixrun.errors import PrefixrunError, shortened
from prefixrun.tracking.tracker import Sample, TrackedRun, Tracker, Values
from prefixrun.training.progress import Progress

LOG = logging.getLogger("prefixrun.run.tracking")
STATE = "tracking.json"
LIVE_EVERY = 10
"""Optimiser steps between two points of the curve of single batches; there is a point at every evaluation besides."""
SAMPLES = 10
CLOSING_SECONDS = 30.0
"""How long the end of a run waits for what is still to be sent."""

Job = Callable[["_Sender"], None]


@dataclass(slots=True)
class _Sender:
    """One tracker, and the thread that sends to it."""

    name: str
    step: int = -1
    """The last one that it has."""
    finished: bool = False
    """Whether it has all of the run."""
    has_result: bool = False
    tracker: Tracker | None = None
    failed: bool = False
    jobs: SimpleQueue[Job | None] = field(default_factory=SimpleQueue)
    thread: threading.Thread | None = None

    def scalars(self, step: int, values: Values) -> None:
        if self.tracker and step > self.step:
            self.tracker.scalars(step, values)
            self.step = step


class Tracking:
    """The trackers of one run; without any, all calls do nothing."""

    def __init__(self, setting: str, run: TrackedRun, directory: Path) -> None:
        """directory: that of the run, which keeps how far each tracker has come."""
        self._run, self._state, self._directory = run, directory / STATE, directory
        state = _read(self._state) if setting != tracking.NONE else {}
        self._senders = [_Sender(name, **state.get(name, {})) for name in tracking.names(setting)]
        self._senders = [sender for sender in self._senders if not sender.finished]
        self._writing = threading.Lock()
        self._put(self._open)
        for sender in self._senders:
            name = f"tracker {sender.name}"
            sender.thread = threading.Thread(target=self._work, args=(sender,), name=name, daemon=True)
            sender.thread.start()

    def watch(self, progress: Progress) -> None:
        """Look at a training after a step."""
        step, rate = progress.step, progress.lr
        is_evaluation = bool(progress.history) and progress.history[-1]["step"] == step
        if not self._senders or not (is_evaluation or step % LIVE_EVERY == 0):
            return
        history = [dict(entry) for entry in progress.history]
        losses = progress.recent_losses
        live = {"train/recent_loss": sum(losses) / len(losses)} if losses else {}

        def job(sender: _Sender) -> None:
            _send_history(sender, history, {step: {**live, "train/lr": rate}})
            sender.scalars(step, {**live, "train/lr": rate})

        self._put(job)

    def finish(self, result: Mapping[str, Any], generations: Sequence[Mapping[str, Any]]) -> None:
        """Send the scores, the costs and some outputs of a run that is finished, from its result.json and
        generations.jsonl."""
        history = result.get("training", {}).get("history", [])
        step = int(max([0, result["costs"].get("train_steps", 0), *(entry["step"] for entry in history)]))
        values = _summary(result)
        samples = [
            Sample(str(line["id"]), str(line["source"]), str(line["output"]), str(line["references"][0]))
            for line in generations[:SAMPLES]
        ]

        def job(sender: _Sender) -> None:
            _send_history(sender, history, {})
            if sender.tracker:
                sender.tracker.finish(step, values, samples)
                sender.has_result = True

        self._put(job)

    def close(self) -> None:
        """Wait until everything is sent, at most CLOSING_SECONDS."""
        self._put(_close)
        self._put(None)
        latest = time.monotonic() + CLOSING_SECONDS
        for sender in self._senders:
            assert sender.thread is not None
            sender.thread.join(max(0.0, latest - time.monotonic()))
        if slow := ", ".join(sender.name for sender in self._senders if sender.thread and sender.thread.is_alive()):
            LOG.warning("tracker %s: has not taken everything after %.0f s; %s", slow, CLOSING_SECONDS, self._rest())

    def _put(self, job: Job | None) -> None:
        for sender in self._senders:
            sender.jobs.put(job)

    def _open(self, sender: _Sender) -> None:
        sender.tracker = tracking.opener(sender.name)(self._run)

    def _work(self, sender: _Sender) -> None:
        while (job := sender.jobs.get()) is not None:
            self._do(job, sender)
            if job != self._open:
                with self._writing:
                    self._keep()

    def _do(self, job: Job, sender: _Sender) -> None:
        if sender.failed:
            return
        try:
            job(sender)
        except Exception as error:  # noqa: BLE001 - whatever a tracker raises, the run goes on
            sender.failed = True
            reason = shortened(without_secrets(f"{type(error).__name__}: {error}"))
            LOG.warning("tracker %s: %s; %s", sender.name, reason, self._rest())

    def _keep(self) -> None:
        state = _read(self._state)
        state |= {sender.name: {"step": sender.step, "finished": sender.finished} for sender in self._senders}
        try:
            files.write_json(self._state, state)
        except PrefixrunError as error:
            LOG.warning("%s", error)

    def _rest(self) -> str:
        return f"the run is as without it, and all of it is in {self._directory}: the same command sends the rest"


def lacks(setting: str, directory: Path) -> bool:
    """Whether a tracker of the setting does not have all of a finished run; directory: that of the run."""
    state = _read(directory / STATE)
    return any(not state.get(name, {}).get("finished") for name in tracking.names(setting))


@contextmanager
def tracked(config: Config, run_id: str, directory: Path) -> Iterator[Tracking]:
    """The trackers of a run, closed behind it; directory: that of the run."""
    settings = {
        key: value if isinstance(value, str | int | float) else str(value)
        for key, value in flatten(without(asdict(config), local_paths()))
        if value is not None
    }
    where = directory.parent.parent / "trackers"
    session = Tracking(config.tracker, TrackedRun(run_id, directory.name, settings, where), directory)
    try:
        yield session
    finally:
        session.close()


def without_secrets(text: str) -> str:
    """A text without passwords in addresses and without the values of variables that are named like secrets."""
    text = re.sub(r"(?<=://)[^/@\s]+@", "…@", text)
    secret = re.compile("KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
    for name, value in os.environ.items():
        if len(value) >= 6 and secret.search(name):
            text = text.replace(value, "…")
    return text


def _send_history(sender: _Sender, history: Sequence[Mapping[str, float]], besides: Mapping[int, Values]) -> None:
    names = {"train_loss": "train/loss", "dev_loss": "dev/loss"}
    for entry in history:
        step = int(entry["step"])
        losses = {names[key]: value for key, value in entry.items() if key in names}
        sender.scalars(step, {**losses, **besides.get(step, {})})


def _close(sender: _Sender) -> None:
    if sender.tracker:
        sender.tracker.close(finished=sender.has_result)
        sender.finished = sender.has_result


def _summary(result: Mapping[str, Any]) -> dict[str, float]:
    scores = {f"score/{name}": score["value"] for name, score in result["scores"].items()}
    costs = {f"cost/{name}": value for name, value in result["costs"].items()}
    parameters = {f"parameters/{name}": value for name, value in result["parameters"].items()}
    both = {**scores, **costs, **parameters}
    return {name: float(value) for name, value in both.items() if isinstance(value, int | float)}


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """How far each tracker has come; nothing where the file is not there or not readable: all is sent again."""
    try:
        state = files.read_json(path) if path.is_file() else {}
        return {
            name: {"step": int(reached["step"]), "finished": bool(reached["finished"])}
            for name, reached in state.items()
        }
    except (PrefixrunError, OSError, AttributeError, KeyError, TypeError, ValueError):
        return {}
