"""One process per run: a lock of the operating system, and a file beside it that names the holder.

The operating system's lock on `.lock` decides on one machine. It ends with its process, however that ends, so a dead
holder never blocks the run. The holder's file `holder.json` is information for people; only its heartbeat decides
anything, and only where the lock cannot: between machines, and on file systems without locks. The empty file `.lock`
stays, because deleting a lock file could give two processes a lock each.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from prefixrun.errors import RunHeldError
from prefixrun.files import explained
from prefixrun.runs.provenance import utc_now

LOCK_NAME = ".lock"
HOLDER_NAME = "holder.json"

HEARTBEAT_SECONDS = 10.0
"""How often a holder touches its file."""

STALE_SECONDS = 180.0
"""Age of the last heartbeat from which a holder on another host counts as gone; network file systems may show a
touched file only after a minute."""

_ACQUIRE_SECONDS = 0.2
"""A process that only asks who holds a run has the lock for a moment, which must not turn the next run away."""

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a run."""

    host: str = ""
    """Empty when the holder has not written its name yet."""
    pid: int = 0
    started: str = ""
    """UTC, ISO 8601."""

    def describe(self) -> str:
        """The process as messages name it."""
        return f"process {self.pid} on {self.host} since {self.started}" if self.host else "another process"


def holder(directory: Path) -> Holder | None:
    """The process that holds the run in `directory`, by the rules that decide whether another may take it."""
    path = directory / LOCK_NAME
    if not path.exists():
        return None
    lock = FileLock(path)
    has_locks = True
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return _named(directory) or Holder()
    except OSError:  # no locks on this file system, or no permission to write in it
        has_locks = False
    else:
        lock.release()
    return _remote_holder(directory, has_locks)


def refusal(directory: Path, holder: Holder) -> RunHeldError:
    """Why the run in `directory` cannot be worked on, and what to do."""
    advice = "wait for it, or end it and run the same command again: the run is resumed"
    if holder.host not in ("", socket.gethostname()):
        advice += f" (a process that died on another host is given up after {STALE_SECONDS:.0f} s)"
    return RunHeldError(f"{directory}: this run is held by {holder.describe()}; {advice}")


class RunLock:
    """Context manager that holds the run in `directory`; RunHeldError on entry when another process holds it."""

    def __init__(self, directory: Path, *, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._directory = directory
        self._heartbeat_seconds = heartbeat_seconds
        self._lock = FileLock(directory / LOCK_NAME, thread_local=False)
        self._holder: Holder | None = None
        self._ended = threading.Event()
        self._heart: threading.Thread | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the run, and no other process has taken it since."""
        return self._holder is not None and _named(self._directory) == self._holder

    def __enter__(self) -> RunLock:
        has_locks = self._acquire()
        try:
            if other := _remote_holder(self._directory, has_locks):
                raise refusal(self._directory, other)
            self._holder = Holder(socket.gethostname(), os.getpid(), utc_now())
            with explained(self._directory / HOLDER_NAME):
                (self._directory / HOLDER_NAME).write_text(json.dumps(asdict(self._holder)) + "\n", encoding="utf-8")
        except BaseException:
            self._holder = None
            self._lock.release()
            raise
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
        try:
            if self.held:
                (self._directory / HOLDER_NAME).unlink(missing_ok=True)
        finally:
            self._heart = self._holder = None
            self._lock.release()

    def _acquire(self) -> bool:
        """Take the operating system's lock; False where the file system has none. RunHeldError when it is taken."""
        try:
            self._lock.acquire(timeout=_ACQUIRE_SECONDS, poll_interval=_ACQUIRE_SECONDS / 10)
        except Timeout:
            raise refusal(self._directory, _named(self._directory) or Holder()) from None
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return False
            with explained(self._directory / LOCK_NAME):
                raise
        return True

    def _beat(self) -> None:
        while not self._ended.wait(self._heartbeat_seconds):
            with suppress(OSError):  # the file was taken away: `held` tells
                os.utime(self._directory / HOLDER_NAME)


def _remote_holder(directory: Path, has_locks: bool) -> Holder | None:
    """The holder that the lock, which is free, cannot tell of: one on another host, or any without locks."""
    named = _named(directory)
    if named is None or (has_locks and named.host == socket.gethostname()):
        return None
    # A heartbeat in the future is none: clocks were set back, and it would hold the run for as long.
    return named if abs(_silence(directory)) < STALE_SECONDS else None


def _silence(directory: Path) -> float:
    """Seconds since the last heartbeat by the file system's own clock: hosts' clocks may differ by minutes."""
    try:
        beat = (directory / HOLDER_NAME).stat().st_mtime
    except OSError:
        return float("inf")
    try:
        with tempfile.TemporaryFile(dir=directory) as probe:
            return os.fstat(probe.fileno()).st_mtime - beat
    except OSError:
        return time.time() - beat  # a directory that may only be read


def _named(directory: Path) -> Holder | None:
    """The holder by its file; None for a file that is not there or is none, whatever is in it."""
    try:
        content = json.loads((directory / HOLDER_NAME).read_bytes())
        host, pid, started = content["host"], content["pid"], content["started"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    is_text = all(isinstance(text, str) and text and text.isprintable() for text in (host, started))
    return Holder(host, pid, started) if is_text and type(pid) is int else None
