"""How a run tells what it is doing: a bar on a terminal, plain lines elsewhere, and always a log file."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from prefixrun.files import open_log
from prefixrun.present import terminal

LOG = logging.getLogger("prefixrun.run")
LINES = 10
"""Plain lines for one stage."""


@contextmanager
def logging_to(path: Path, *, screen: bool = True) -> Iterator[None]:
    """Send the lines of LOG to `path` with their times, and to standard output without (unless `screen` is off)."""
    with open_log(path) as stream, lines_to(stream):
        to_screen = _Screen()
        if screen:
            LOG.addHandler(to_screen)
        try:
            yield
        finally:
            LOG.removeHandler(to_screen)


@contextmanager
def lines_to(stream: TextIO) -> Iterator[None]:
    """Write the lines of LOG to an open log with their times."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
    LOG.addHandler(handler)
    try:
        yield
    finally:
        LOG.removeHandler(handler)


class _Screen(logging.Handler):
    """Lines that only matter without a bar (`extra={"plain": True}`) are left out on a terminal."""

    def emit(self, record: logging.LogRecord) -> None:
        console = terminal()
        if not (console.is_terminal and getattr(record, "plain", False)):
            console.print(record.getMessage(), markup=False, soft_wrap=True)


class Stage:
    """Progress of one stage: `update` moves the bar, or logs a line about every tenth of the way."""

    def __init__(self, name: str, bar: Progress | None) -> None:
        self._name, self._bar = name, bar
        self._task = bar.add_task(name, total=None, note="") if bar else None
        self._next = 0

    def update(self, done: int, total: int, note: str) -> None:
        """`note` is a few words such as the loss."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, note=note)
        if done >= self._next or done == total:
            LOG.info("%s %d/%d  %s", self._name, done, total, note, extra={"plain": True})
            self._next = done + max(1, total // LINES)


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
