"""A disk that is full after some writes."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import pytest

from prefixrun import files


@contextmanager
def full_disk(*, after_writes: int) -> Iterator[None]:
    to_disk, writes = files._to_disk, 0

    def counted(stream: IO[Any]) -> None:
        nonlocal writes
        writes += 1
        if writes > after_writes:
            raise OSError(errno.ENOSPC, "No space left on device")
        to_disk(stream)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_to_disk", counted)
        yield
