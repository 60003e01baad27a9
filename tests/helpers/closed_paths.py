"""Trees that cannot be written in, and paths that cannot be read, for root too: the system is made to refuse."""

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
_LOOKS = ("open", "os.listdir", "os.scandir")
_read_only: list[str] = []
_unreadable: list[str] = []


@contextmanager
def read_only(root: Path) -> Iterator[None]:
    """While it lasts, everything that Python would change below `root` fails with EROFS, as on such a mount."""
    allowed = os.access

    def access(path: Any, mode: int, **named: Any) -> bool:
        return not (mode & os.W_OK and _is_below(path, _read_only)) and allowed(path, mode, **named)

    with _listed(root, _read_only), patch.object(os, "access", access):
        yield


@contextmanager
def unreadable(path: Path) -> Iterator[None]:
    """While it lasts, Python can open neither `path` nor anything below it, as without permission."""
    with _listed(path, _unreadable):
        yield


@contextmanager
def _listed(path: Path, closed: list[str]) -> Iterator[None]:
    _watch()
    resolved = str(path.resolve())
    closed.append(resolved)
    try:
        yield
    finally:
        closed.remove(resolved)


@cache
def _watch() -> None:
    """Audit hooks cannot be taken away, so there is one, which is idle where nothing is closed."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if _unreadable and event in _LOOKS and _is_below(arguments[0], _unreadable):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(arguments[0]))
    if not _read_only:
        return
    if event == "open":
        touched = arguments[:1] if arguments[2] & _WRITES else ()
    else:
        touched = arguments if event in _CHANGES else ()
    for path in touched:
        if _is_below(path, _read_only):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), os.fspath(path))


def _is_below(path: Any, closed: list[str]) -> bool:
    if not isinstance(path, str | os.PathLike):
        return False  # an open descriptor
    real = os.path.realpath(os.fspath(path))
    return any(real == root or real.startswith(root + os.sep) for root in closed)
