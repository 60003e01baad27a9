"""Tar archives read in place: nothing is unpacked, so no member can be written outside a directory."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from prefixrun.data.text_io import MAX_BYTES
from prefixrun.errors import DataError


def members(path: Path, select: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every regular file whose name ``select`` accepts, in the order of the archive.

    Raises:
        DataError: not a tar archive, damaged or truncated, or a member larger than any corpus file.
    """
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if not member.isfile() or not select(member.name):
                    continue
                if member.size > MAX_BYTES:
                    raise DataError(f"{path}/{member.name}: larger than {MAX_BYTES} bytes; no corpus file is")
                stream = archive.extractfile(member)
                yield member.name, stream.read() if stream else b""
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError) as error:
        raise DataError(f"{path}: damaged or truncated archive ({error}); copy it again") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check the path and its rights") from error
