"""Shares of one machine for several workers: each has its own cores and, where there are any, its own GPU."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

_claimed: dict[str, FileLock] = {}
"""Directory → the lock of the slot that this process has there; the operating system lets it go when the process ends.
A launcher may keep its processes for the second round of a sweep, which has a directory of its own."""


@dataclass(frozen=True, slots=True)
class WorkerSlots:
    """A directory of lock files, one for each worker. A worker claims the first free one when it starts its first run.

    Picklable, because launchers hand it to other processes.
    """

    directory: str
    workers: int
    cores: tuple[int, ...]
    """Numbers of the cores that are shared out; empty where the system binds no process to cores."""
    gpus: tuple[str, ...]
    """Names of the GPUs as in CUDA_VISIBLE_DEVICES."""

    def claim(self) -> int:
        """Bind this process to the cores and the GPU of a free slot; returns its number of threads."""
        if self.directory not in _claimed:
            slot, lock = self._free_slot()
            if self.cores:
                os.sched_setaffinity(0, self.share(slot))
            if self.gpus and not _claimed:  # later it would change nothing
                os.environ["CUDA_VISIBLE_DEVICES"] = self.gpu(slot)
            _claimed[self.directory] = lock
        return len(available_cores()) or max(1, (os.cpu_count() or 1) // self.workers)

    def share(self, slot: int) -> tuple[int, ...]:
        """The cores of a slot; more workers than cores share them in turn."""
        cores_per_worker = len(self.cores) // self.workers
        if cores_per_worker == 0:
            return (self.cores[slot % len(self.cores)],)
        return self.cores[slot * cores_per_worker : (slot + 1) * cores_per_worker]

    def gpu(self, slot: int) -> str:
        """The GPU of a slot; more workers than GPUs share them in turn."""
        return self.gpus[slot % len(self.gpus)]

    @property
    def stopped(self) -> bool:
        """Whether no further run is to be started."""
        return (Path(self.directory) / "stop").exists()

    def stop(self) -> None:
        """Start no further run, and end those at work as SIGTERM does: they save their step first."""
        (Path(self.directory) / "stop").touch()
        for path in Path(self.directory).glob("slot-*.pid"):
            with suppress(ValueError, ProcessLookupError):
                os.kill(int(path.read_text()), signal.SIGTERM)

    def _free_slot(self) -> tuple[int, FileLock]:
        """The number of a free slot, and its lock."""
        number = 0
        while True:  # a restarted worker may come before its predecessor's slot is let go: take the next
            name = str(Path(self.directory) / f"slot-{number}")
            lock = FileLock(name + ".lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                number += 1
                continue
            Path(name + ".pid").write_text(str(os.getpid()))
            return number % self.workers, lock


def available_cores() -> list[int]:
    """The cores that this process may use; empty where the system does not tell (macOS, Windows)."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def available_gpus() -> list[str]:
    """The GPUs that may be used, as CUDA_VISIBLE_DEVICES names them; looked up without loading a library."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name.strip() for name in visible.split(",") if name.strip() and not name.strip().startswith("-")]
    return [str(number) for number, _ in enumerate(sorted(Path("/proc/driver/nvidia/gpus").glob("*")))]
