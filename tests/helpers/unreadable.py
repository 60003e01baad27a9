"""Files and directories that cannot be read, for root too: the system is made to refuse, as without permission."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

_EVENTS = ("open", "os.listdir", "os.scandir")
_closed: list[str] = []


@contextmanager
def unreadable(path: Path) -> Iterator[None]:
    """While it lasts, Python can open neither `path` nor anything below it."""
    _watch()
    resolved = str(path.resolve())
    _closed.append(resolved)
    try:
        yield
    finally:
        _closed.remove(resolved)


@cache
def _watch() -> None:
    """Audit hooks cannot be taken away, so there is one, which is idle without a closed path."""
    sys.addaudithook(_refuse)


def _refuse(event: str, given: tuple[Any, ...]) -> None:
    if not _closed or event not in _EVENTS or not isinstance(given[0], str | os.PathLike):
        return
    real = os.path.realpath(os.fspath(given[0]))
    if any(real == root or real.startswith(root + os.sep) for root in _closed):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(given[0]))
