"""Values that stand in a model for the duration of a block: functions, parameters, modules in the place of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

Entry = tuple[MutableMapping[str, Any], str, Any]
"""A mapping, such as vars(module) or module._parameters, a key, and the value that the key has within the block."""

_ABSENT = object()


@contextmanager
def replaced(entries: Iterable[Entry]) -> Iterator[None]:
    """Give the keys their values; behind the block each mapping has what it had before, or the key no more."""
    entries = list(entries)
    before = [mapping.get(key, _ABSENT) for mapping, key, _ in entries]
    try:
        for mapping, key, value in entries:
            mapping[key] = value
        yield
    finally:
        for (mapping, key, _), value in zip(entries, before, strict=True):
            if value is _ABSENT:
                mapping.pop(key, None)
            else:
                mapping[key] = value
