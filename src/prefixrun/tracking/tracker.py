"""What a tracker gets of a run, and what it has to do with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PROJECT = "prefixrun"
"""The project or experiment that runs stand in."""

Values = Mapping[str, float]
"""Names such as `train/loss` and their numbers."""


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """A run as a tracker knows it."""

    id: str
    """12 hexadecimal digits: a run that goes on is found again by them."""
    name: str
    """That of its directory."""
    settings: Mapping[str, str | int | float | bool]
    """Dotted keys, without paths of this machine."""
    directory: Path
    """Where a tracker that writes files puts them, RESULTS_DIR/trackers/."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One output of a run."""

    id: str
    source: str
    output: str
    reference: str

    def cells(self) -> list[str]:
        """In the order of COLUMNS."""
        return [self.id, self.source, self.output, self.reference]


COLUMNS = ("id", "input", "output", "reference")


class Tracker(Protocol):
    """One run in one tracker. All calls come from one thread; whatever they raise ends the tracking, not the run."""

    def scalars(self, step: int, values: Values) -> None:
        """Points of curves, in the order of their steps."""

    def finish(self, step: int, values: Values, samples: Sequence[Sample]) -> None:
        """Scores and costs of the finished run, after the last step of its training, and some of its outputs."""

    def close(self, *, finished: bool) -> None:
        """Hand over what waits; without `finished` the run goes on another time."""


class Opener(Protocol):
    """Opens a run in a tracker, a new one or the one that is there."""

    def __call__(self, run: TrackedRun) -> Tracker: ...
