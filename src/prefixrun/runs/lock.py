"""One process per run: a lock file with the holder's name, kept fresh by a heartbeat.

The kernel's lock on the file decides on one machine: it ends with its process, however that ends, so a dead holder
never blocks and its process id is never guessed at. Between machines, and on file systems without such locks, the age
of the last heartbeat decides. The file may name the host; it is deleted when the run is let go.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from prefixrun.errors import RunHeldError
from prefixrun.files import explained

HEARTBEAT_SECONDS = 10.0
"""How often a holder touches its lock file."""

STALE_SECONDS = 180.0
"""Age of the last heartbeat from which a holder on another host counts as gone; network file systems may show a
touched file only after a minute."""

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a run."""

    host: str
    pid: int
    started: str
    """UTC, ISO 8601."""


def holder(path: Path, *, stale_seconds: float = STALE_SECONDS) -> Holder | None:
    """Who seems to hold the lock, by its file alone: taking it for a moment could turn the next process away."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = _read(descriptor)
        age = time.time() - os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)
    if found is None:
        return None
    lives = _is_alive(found.pid) if found.host == socket.gethostname() else age < stale_seconds
    return found if lives else None


class RunLock:
    """Context manager that holds `path`; RunHeldError on entry when another process has it."""

    def __init__(
        self, path: Path, *, heartbeat_seconds: float = HEARTBEAT_SECONDS, stale_seconds: float = STALE_SECONDS
    ) -> None:
        self.path = path
        self._heartbeat_seconds = heartbeat_seconds
        self._stale_seconds = stale_seconds
        self._descriptor: int | None = None
        self._ended = threading.Event()
        self._heart: threading.Thread | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock and the file on the disk is still the one it locked."""
        return self._descriptor is not None and _is_at(self._descriptor, self.path)

    def __enter__(self) -> RunLock:
        holder = Holder(socket.gethostname(), os.getpid(), datetime.now(UTC).isoformat(timespec="seconds"))
        with explained(self.path):
            descriptor = self._open()
            # Written in place: another file under this name would not carry the kernel's lock.
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(asdict(holder)).encode("utf-8") + b"\n", 0)
            os.fsync(descriptor)
        self._descriptor = descriptor
        self._ended.clear()
        self._heart = threading.Thread(target=self._beat, name="run-lock-heartbeat", daemon=True)
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._heart is not None:
            self._heart.join()
        if self._descriptor is not None:
            if self.held:
                self.path.unlink()
            os.close(self._descriptor)
        self._heart = self._descriptor = None

    def _open(self) -> int:
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                self._claim(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            if _is_at(descriptor, self.path):
                return descriptor
            # The holder deleted the file between our opening and our locking it.
            os.close(descriptor)

    def _claim(self, descriptor: int) -> None:
        kernel_decides = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._refusal(_read(descriptor)) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            kernel_decides = False
        holder = _read(descriptor)
        if holder is None:
            return
        if holder.host == socket.gethostname():
            if not kernel_decides and _is_alive(holder.pid):
                raise self._refusal(holder)
        elif self._silence(descriptor) < self._stale_seconds:
            raise self._refusal(holder)

    def _silence(self, descriptor: int) -> float:
        """Seconds since the last heartbeat by the file system's own clock: hosts' clocks may differ by minutes."""
        with tempfile.TemporaryFile(dir=self.path.parent) as probe:
            return os.fstat(probe.fileno()).st_mtime - os.fstat(descriptor).st_mtime

    def _refusal(self, holder: Holder | None) -> RunHeldError:
        who = "another process"
        advice = "wait for it, or end it and run the same command again: the run is resumed"
        if holder is not None:
            who = f"process {holder.pid} on {holder.host} since {holder.started}"
            if holder.host != socket.gethostname():
                advice += f" (a process that died on another host is given up after {self._stale_seconds:.0f} s)"
            elif not _is_alive(holder.pid):
                advice = "that process has ended, but one it started still holds the lock; end that one"
        return RunHeldError(f"{self.path.parent}: this run is held by {who}; {advice}")

    def _beat(self) -> None:
        while not self._ended.wait(self._heartbeat_seconds):
            if self._descriptor is not None:
                os.utime(self._descriptor)


def _read(descriptor: int) -> Holder | None:
    try:
        content = json.loads(os.pread(descriptor, 4096, 0))
        return Holder(str(content["host"]), int(content["pid"]), str(content["started"]))
    except (ValueError, KeyError, TypeError):
        return None  # Its writer was killed before it had written its name.


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    ours = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OverflowError:
        return False  # no system has a process of this number
    except PermissionError:
        return True
    return True
