"""Shares of one machine for several workers: each has its own cores and, where there are any, its own GPU."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from dataclasses import dataclass
from pathlib import Path

_claimed: list[int] = []
"""Open lock file of this process' slot; the kernel lets it go when the process ends."""


@dataclass(frozen=True, slots=True)
class Slots:
    """A directory of lock files, one a worker. A worker claims the first free one when it starts its first run."""

    directory: str
    workers: int
    cores: tuple[int, ...]
    gpus: tuple[str, ...]

    def claim(self) -> int:
        """Bind this process to the cores and the GPU of a free slot; the number of its threads."""
        if not _claimed:
            number, descriptor = self._free()
            _claimed.append(descriptor)
            os.sched_setaffinity(0, self.share(number))
            if self.gpus:
                os.environ["CUDA_VISIBLE_DEVICES"] = self.gpus[number % len(self.gpus)]
        return len(os.sched_getaffinity(0))

    def share(self, number: int) -> tuple[int, ...]:
        """The cores of a slot; more workers than cores share them in turn."""
        each = len(self.cores) // self.workers
        if each == 0:
            return (self.cores[number % len(self.cores)],)
        return self.cores[number * each : (number + 1) * each]

    @property
    def stopped(self) -> bool:
        """Whether no further run is to be started."""
        return (Path(self.directory) / "stop").exists()

    def stop(self) -> None:
        """Start no further run, and end those at work as SIGTERM does: they save their step first."""
        (Path(self.directory) / "stop").touch()
        for path in Path(self.directory).glob("slot-*"):
            with contextlib.suppress(ValueError, ProcessLookupError):
                os.kill(int(path.read_text()), signal.SIGTERM)

    def _free(self) -> tuple[int, int]:
        number = 0
        while True:  # a restarted worker may come before the kernel has let its predecessor's slot go: take the next
            descriptor = os.open(Path(self.directory) / f"slot-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                number += 1
                continue
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            return number % self.workers, descriptor


def gpus() -> list[str]:
    """The GPUs that may be used, as CUDA_VISIBLE_DEVICES names them; found without loading a library."""
    if (given := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name.strip() for name in given.split(",") if name.strip()]
    return [str(number) for number, _ in enumerate(sorted(Path("/proc/driver/nvidia/gpus").glob("*")))]
