"""The log of a run and the progress of its stages: lines in run.log, and on the screen a bar or the same lines."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from prefixrun.console import format_about, terminal
from prefixrun.files import append_bytes

LOG = logging.getLogger("prefixrun.run")
"""Packages below log to children of it, which need not know where a run writes."""
PLAIN_LINES = 10
"""How many lines a stage writes where it can draw no bar."""
PLAIN_SECONDS = 60.0
"""After so long a stage without a bar writes a line all the same, with the time that is left."""


@contextmanager
def logging_to(path: Path, *, screen: bool = True) -> Iterator[None]:
    """Send the lines of LOG to `path` with their times, and to standard output without (unless `screen` is off).

    A line that cannot be written is an error of the code that logs it: DiskFullError, ConfigError.
    """
    append_bytes(path, b"")  # a run that fails before its first line has a log too
    to_file = _File(path)
    to_file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    handlers = [to_file, _Screen()] if screen else [to_file]
    level, propagate = LOG.level, LOG.propagate
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
    for handler in handlers:
        LOG.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            LOG.removeHandler(handler)
        LOG.setLevel(level)
        LOG.propagate = propagate


class _File(logging.Handler):
    """Opened for each line, so that nothing waits in a buffer for a disk that is full."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        append_bytes(self._path, f"{self.format(record)}\n".encode(errors="backslashreplace"))


class _Screen(logging.Handler):
    """Lines that only matter without a bar (`extra={"plain": True}`) are left out on a terminal."""

    def emit(self, record: logging.LogRecord) -> None:
        console = terminal()
        if not (console.is_terminal and getattr(record, "plain", False)):
            console.print(record.getMessage(), markup=False, soft_wrap=True)


class Stage:
    """Progress of one stage: `update` moves the bar, or logs a line about every tenth of the way and every minute."""

    def __init__(self, name: str, bar: Progress | None) -> None:
        self._name, self._bar = name, bar
        self._task = bar.add_task(name, total=None, note="") if bar else None
        self._next = 0
        self._begun: tuple[float, int] | None = None
        self._logged = 0.0

    def update(self, done: int, total: int, note: str) -> None:
        """`note` is a few words such as the loss."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, note=note)
        now = monotonic()
        is_second = self._begun is not None and self._logged == self._begun[0]
        self._begun = self._begun or (now, done)
        left = self._left(now, done, total)
        is_long = left >= PLAIN_SECONDS
        if done >= self._next or done == total or now - self._logged >= PLAIN_SECONDS or (is_second and is_long):
            time = f"  about {format_about(left)} left" if is_long else ""
            LOG.info("%s %d/%d  %s%s", self._name, done, total, note, time, extra={"plain": True})
            self._next = done + max(1, total // PLAIN_LINES)
            self._logged = now

    def _left(self, now: float, done: int, total: int) -> float:
        """Seconds at the speed since the first update; 0 while nothing is known."""
        begun, before = self._begun or (now, done)
        return (now - begun) / (done - before) * (total - done) if done > before else 0.0


@contextmanager
def stage(name: str) -> Iterator[Stage]:
    """One stage, with a bar that goes away at its end when standard output is a terminal."""
    console = terminal()
    if not console.is_terminal:
        yield Stage(name, None)
        return
    columns = (TextColumn("{task.description:<9}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[note]}"), console=console, transient=True) as bar:
        yield Stage(name, bar)
