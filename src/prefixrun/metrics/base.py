"""The interface of a metric: prepare the references once, count one output at a time, aggregate the summed counts.

Counts are additive: the counts of a corpus are the sum of the rows of its segments, so a bootstrap or a paired test
needs nothing but the rows. A score carries a signature; only scores with equal signatures may be compared.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

SEMANTICS = 1
"""Moves whenever the same text gets another number from a scorer that this package implements."""

Reads = Literal["any writing", "words between blanks", "letters a to z"]

FloatArray = npt.NDArray[np.float64]
References = tuple[tuple[str, ...], ...]
"""The references of each segment, in the order of the segments."""


@dataclass(frozen=True, slots=True)
class Score:
    """A number and how it was computed. A value that could not be computed is None, never 0 or -1, with a reason."""

    value: float | None
    signature: str
    reason: str | None = None


class Metric(ABC):
    """A scorer. Instances are hashable (frozen dataclasses): prepared references are cached by metric and content."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The names of its scores, which are the paper's."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The names of the count columns."""

    @property
    def reads(self) -> Reads:
        """What it has a number for; where the references are mostly in another writing, its scores have none."""
        return "any writing"

    @abstractmethod
    def prepare(self, references: References) -> Sequence[Any]:
        """Everything that depends on the references alone: for each segment what `count` compares an output with.

        Raises MissingPartError, its message the reason, where an optional part is missing.
        """

    @abstractmethod
    def count(self, output: str, segment: Any) -> Sequence[float]:
        """Additive counts of the output for one segment, ``(len(columns),)``."""

    def count_all(self, outputs: Sequence[str], segments: Sequence[Any]) -> FloatArray:
        """The counts of one output for each segment, ``(segments, len(columns))``.

        Raises ValueError if there is not one output for each segment.
        """
        rows = [self.count(output, segment) for output, segment in zip(outputs, segments, strict=True)]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.columns))

    @abstractmethod
    def aggregate(self, totals: FloatArray) -> Mapping[str, float]:
        """The scores of a corpus from the sum of its rows, ``totals: (len(columns),)``."""

    @abstractmethod
    def signature(self, name: str, references: References) -> str:
        """Tool, options and number of references of the score ``name``."""


@lru_cache(maxsize=32)
def prepared(metric: Metric, references: References) -> Sequence[Any]:
    """``metric.prepare(references)``, computed once per metric and content in a process."""
    return metric.prepare(references)


def signature(references: References, *parts: str) -> str:
    """``refs:8|case:lc|...``; ``refs:var`` where the segments have different numbers of references."""
    sizes = {len(segment) for segment in references}
    size = str(sizes.pop()) if len(sizes) == 1 else "var"
    return "|".join((f"refs:{size}", *parts))


def prefixrun_scorer(name: str) -> str:
    """The last part of the signature of a scorer that this package implements, with the version of its numbers."""
    return f"scorer:prefixrun-{name}.{SEMANTICS}"
