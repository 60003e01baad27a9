"""The only module that writes files (but for the lock of a run).

Every write is atomic, reaches the disk before it returns, and stays where it may: a reader sees the old file or the new
one, never half of one, even after a kill or a power cut. JSON has sorted keys and no NaN. Files of one record a line
are appended to; a line torn by a kill is recognised by its missing newline and dropped.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import IO, Any

from prefixrun.errors import ConfigError, DamagedStateError, DiskFullError, PrefixrunError

_TEMPORARY = ".tmp-"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.ENAMETOOLONG,
    errno.ELOOP,
)


@dataclass(frozen=True, slots=True)
class JsonLines:
    """The whole records of a file of one JSON object a line, and what was dropped at its end."""

    records: tuple[dict[str, Any], ...]
    torn: bytes
    """Bytes after the last newline: a record whose writing was cut off. Empty when the file ends properly."""


def inside(root: Path, path: Path) -> Path:
    """`path` (joined to `root` if relative) when it lies in `root` after all links and `..` are followed.

    Raises ConfigError otherwise.
    """
    resolved, base = (root / path).resolve(), root.resolve()
    if not resolved.is_relative_to(base):
        raise ConfigError(f"{path}: lies outside {root}; nothing is written there. Give a path below {root}")
    return resolved


def digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def make_directory(path: Path) -> Path:
    """Create a directory and its parents. Raises ConfigError naming results_dir when that is not possible."""
    with explained(path):
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "no permission to write in it")
    return path


def write_bytes(path: Path, data: bytes | memoryview, *, root: Path | None = None) -> Path:
    """Replace `path` by `data` as one step; with `root`, refuse (ConfigError) to leave that directory.

    The directory must exist. Raises ConfigError when it cannot be written in, PrefixrunError when the disk is full.
    """
    target = inside(root, path) if root is not None else path
    if os.path.isdir(target):
        raise ConfigError(f"{target}: is a directory; name a file in it")
    if os.path.exists(target) and not os.path.isfile(target):
        raise ConfigError(f"{target}: is no regular file, which cannot be replaced by one; name another")
    temporary = target.with_name(f".{target.name}{_TEMPORARY}{os.getpid()}-{secrets.token_hex(4)}")
    with explained(target):
        try:
            with open(temporary, "xb") as stream:
                stream.write(data)
                _to_disk(stream)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
        _directory_to_disk(target.parent)
    return target


def write_text(path: Path, text: str) -> Path:
    """Replace `path` by `text` in UTF-8 as one step; see write_bytes."""
    return write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: object) -> Path:
    """Replace `path` by `value` as JSON: sorted keys, two spaces, newline at the end. Errors as in plain_json."""
    return write_bytes(path, json_bytes(value))


def json_bytes(value: object) -> bytes:
    """What write_json writes."""
    text = json.dumps(plain_json(value), sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode("utf-8")


def append_lines(path: Path, lines: Iterable[str]) -> Path:
    """Append lines (without their newlines) and wait until they are on the disk.

    A torn last line that an earlier kill left behind is cut off first, so that nothing is glued to it.
    """
    block = list(lines)
    for line in block:
        if "\n" in line or "\r" in line:
            raise ValueError(f"{path}: a record must not contain a line break: {line[:60]!r}")
    with explained(path):
        is_new = not path.exists()
        with open(path, "ab+", opener=_no_link) as stream:
            end = _end_of_whole_lines(stream)
            stream.truncate(end)
            try:
                stream.write("".join(line + "\n" for line in block).encode("utf-8"))
                _to_disk(stream)
            except OSError:
                os.ftruncate(stream.fileno(), end)
                raise
        if is_new:
            _directory_to_disk(path.parent)
    return path


def append_bytes(path: Path, data: bytes) -> Path:
    """Append bytes as they are, without waiting for the disk: to a file that is moved to its name when it is whole, or
    to a log. Errors as write_bytes."""
    with explained(path), open(path, "ab", opener=_no_link) as stream:
        stream.write(data)
    return path


def cut(path: Path, size: int) -> None:
    """Shorten a file to its first `size` bytes. Errors as write_bytes."""
    with explained(path), open(path, "rb+", opener=_no_link) as stream:
        stream.truncate(size)
        os.fsync(stream.fileno())


def move(path: Path, target: Path) -> Path:
    """Give a whole file its name, replacing what had it. Errors as write_bytes."""
    with explained(target):
        with open(path, "rb") as stream:
            os.fsync(stream.fileno())
        os.replace(path, target)
        _directory_to_disk(target.parent)
    return target


def read_json_lines(path: Path) -> JsonLines:
    """Read a file of one JSON object a line; a torn last line is left out and handed back as `torn`.

    A missing file has no records. Raises DamagedStateError ("file:line: ...") for any other line that is no object.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return JsonLines((), b"")
    except OSError as error:
        raise DamagedStateError(f"{path}: cannot be read ({error.strerror})") from error
    whole, newline, torn = data.rpartition(b"\n")
    records = []
    for number, line in enumerate(whole.split(b"\n") if newline else [], start=1):
        record = _parse(line, f"{path}:{number}")
        if not isinstance(record, dict):
            raise DamagedStateError(f"{path}:{number}: not a JSON object; delete the file to have it made again")
        records.append(record)
    return JsonLines(tuple(records), torn)


def read_json(path: Path) -> Any:
    """Read one JSON file. Raises DamagedStateError when it is not JSON, has NaN in it, or cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DamagedStateError(f"{path}: cannot be read ({error.strerror})") from error
    return _parse(data, str(path))


def canonical_json(value: object) -> str:
    """One line of JSON that is the same for equal values: sorted keys, no spaces, no NaN. Errors as in plain_json."""
    return json.dumps(plain_json(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def plain_json(value: object, where: str = "value") -> Any:
    """`value` in JSON's own types: dataclasses and mappings become objects, tuples lists.

    Raises ValueError for NaN and infinities and TypeError for anything else (paths too: they may hold a home
    directory), both with the place in the value.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}: JSON has no such number; write null and the reason")
        return float(value)
    if is_dataclass(value) and not isinstance(value, type):
        return plain_json(asdict(value), where)
    if isinstance(value, Mapping):
        if wrong := [key for key in value if not isinstance(key, str)]:
            raise TypeError(f"{where}: key {wrong[0]!r} is not a string")
        return {key: plain_json(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(item, f"{where}[{index}]") for index, item in enumerate(value)]
    raise TypeError(f"{where} is a {type(value).__name__}, which has no form in JSON")


def remove(path: Path) -> None:
    """Delete one file; not an error when it is not there."""
    with explained(path):
        path.unlink(missing_ok=True)
        _directory_to_disk(path.parent)


def remove_leftovers(directory: Path) -> int:
    """Delete temporary files that killed writers left in `directory` (no other process may be writing there)."""
    leftovers = [path for path in directory.glob(f".*{_TEMPORARY}*") if path.is_file()]
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)


def _no_link(path: str, flags: int) -> int:
    """Opens a file that is changed in place, never what a link in its stead leads to."""
    try:
        return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise DamagedStateError(
            f"{path}: is a link, and nothing is written through one; move it away and run the same command again"
        ) from error


def _end_of_whole_lines(stream: IO[bytes]) -> int:
    """Position behind the last newline, looked for backwards in blocks; 0 when there is none."""
    position = stream.seek(0, os.SEEK_END)
    while position > 0:
        start = max(0, position - 65536)
        stream.seek(start)
        newline = stream.read(position - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        position = start
    return 0


def _parse(data: bytes, where: str) -> Any:
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite, parse_int=_whole)
        if _HALF_A_CHARACTER.search(data):
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # in pairs they are characters
        return value
    except (ValueError, RecursionError) as error:
        raise DamagedStateError(
            f"{where}: damaged ({error}); move the file away and run the same command again"
        ) from error


_HALF_A_CHARACTER = re.compile(rb"\\u[dD][89abAB]|\\u[dD][c-fC-F]")
"""An escaped surrogate: alone it is no text that could be written anywhere."""

_DIGITS = 300
"""Of the largest whole numbers that are taken: longer ones are no float either."""


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:19]} is too large for a number")
    return value


def _whole(text: str) -> int:
    if len(text.lstrip("-")) > _DIGITS:
        raise ValueError(f"{text[:19]}... is too large for a number")
    return int(text)


def _to_disk(stream: IO[bytes]) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _directory_to_disk(directory: Path) -> None:
    """A new or renamed file survives a power cut only when its directory is on the disk too."""
    if os.name == "nt":
        return  # Windows opens no directories, and keeps their entries safe by itself
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync a directory and do not need it.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the system's errors at `path` into this project's: what happened, where, what to do."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in _FULL:
            raise DiskFullError(
                f"{path}: the disk is full ({reason}); nothing was half-written. "
                "Make room and run the same command again"
            ) from error
        if error.errno in _REFUSED:
            raise ConfigError(
                f"results_dir: {path} cannot be written ({reason}); "
                "give a directory you may write in with results_dir=DIR (or out=, json= for what a verb writes)"
            ) from error
        raise PrefixrunError(f"{path}: cannot be written ({reason})") from error
