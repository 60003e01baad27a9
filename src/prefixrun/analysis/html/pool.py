"""Values that many runs share are written once and referred to by their position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from prefixrun.files import canonical_json


@dataclass(slots=True)
class Pool:
    """Equal values get the same position; `values` are in the order in which they first came."""

    values: list[Any] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    """How often each value was added."""
    _positions: dict[str, int] = field(default_factory=dict)

    def add(self, value: Any) -> int:
        """The position of the value, which must have a form in JSON."""
        key = value if isinstance(value, str) else "\0" + canonical_json(value)
        position = self._positions.setdefault(key, len(self.values))
        if position == len(self.values):
            self.values.append(value)
            self.counts.append(0)
        self.counts[position] += 1
        return position

    def __iter__(self) -> Iterator[tuple[Any, int]]:
        """Every value with how often it was added."""
        return zip(self.values, self.counts, strict=True)
