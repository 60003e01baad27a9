"""A directory tree that nothing can be written in, for root too: the system is made to refuse, as on such a mount."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.utime", "os.chmod", "os.link")
_closed: list[str] = []


@contextmanager
def read_only(root: Path) -> Iterator[None]:
    """While it lasts, everything that Python would change below `root` fails with EROFS."""
    _watch()
    resolved = str(root.resolve())
    allowed = os.access

    def access(path: Any, mode: int, **named: Any) -> bool:
        return not (mode & os.W_OK and _is_closed(path)) and allowed(path, mode, **named)

    _closed.append(resolved)
    try:
        with patch.object(os, "access", access):
            yield
    finally:
        _closed.remove(resolved)


@cache
def _watch() -> None:
    """Audit hooks cannot be taken away, so there is one, which is idle without a closed tree."""
    sys.addaudithook(_refuse)


def _refuse(event: str, given: tuple[Any, ...]) -> None:
    if not _closed:
        return
    if event == "open":
        path, _, flags = given
        touched = [path] if flags & _WRITES else []
    else:
        touched = [each for each in given if isinstance(each, str | os.PathLike)] if event in _CHANGES else []
    for path in touched:
        if _is_closed(path):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), os.fspath(path))


def _is_closed(path: Any) -> bool:
    if not isinstance(path, str | os.PathLike):
        return False  # an open descriptor
    real = os.path.realpath(os.fspath(path))
    return any(real == root or real.startswith(root + os.sep) for root in _closed)
