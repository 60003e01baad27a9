"""Shares of a machine: no two workers have the same slot, and all of them end when they are stopped."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import environment
from prefixrun.sweeps.workers import WorkerSlots, available_gpus

WORKER = """
import os, signal, sys
from prefixrun.sweeps.workers import WorkerSlots
slots = WorkerSlots(sys.argv[1], 2, tuple(sorted(os.sched_getaffinity(0)))[:1], ("3", "5"))
threads = slots.claim()
assert slots.claim() == threads, "a slot is claimed once"
print(threads, os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
signal.pause()
"""


@pytest.mark.parametrize(
    ("workers", "cores", "shares"),
    [(2, (0, 1, 2, 3, 4), [(0, 1), (2, 3)]), (3, (0, 1), [(0,), (1,), (0,)])],
)
def test_shares_overlap_only_when_there_are_too_few_cores(
    workers: int, cores: tuple[int, ...], shares: list[tuple[int, ...]]
) -> None:
    slots = WorkerSlots("", workers, cores, ())
    assert [slots.share(number) for number in range(workers)] == shares


def test_each_worker_has_a_slot_until_it_is_stopped(tmp_path: Path) -> None:
    slots = WorkerSlots(str(tmp_path), 2, (), ())
    command = [sys.executable, "-c", WORKER, str(tmp_path)]
    started, gpus = [], []
    for _ in range(3):
        worker = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
        assert worker.stdout is not None
        threads, gpu = worker.stdout.readline().split()
        assert threads == "1"
        gpus.append(gpu)
        started.append(worker)
    assert gpus == ["3", "5", "3"], "one too many shares the first"
    assert not slots.stopped
    slots.stop()
    assert slots.stopped
    for worker in started:
        worker.communicate()
        assert worker.returncode == -signal.SIGTERM


@pytest.mark.parametrize(("visible", "gpus"), [("2, 5", ["2", "5"]), ("", [])])
def test_gpus_are_those_that_are_visible(monkeypatch: pytest.MonkeyPatch, visible: str, gpus: list[str]) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert available_gpus() == gpus
