"""The types of settings: which values each kind takes, and what a setting means for the identity of a run."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a number: ``low <= value <= high``, or ``low < value`` when ``above`` is set."""

    low: float
    high: float | None = None
    above: bool = False
    limit: float = 1e9
    """Where no bound above has a meaning: the largest number that is taken at all, far beyond any serious use. What
    comes behind it is a slip of the keyboard, or no number that float32 and the libraries can hold."""

    def contains(self, value: float) -> bool:
        too_low = value <= self.low if self.above else value < self.low
        return not too_low and (self.high is None or value <= self.high)

    def exceeds(self, value: float) -> bool:
        """Whether the number is beyond the limit, where no bound says so."""
        return self.high is None and value > self.limit

    def __str__(self) -> str:
        low = f"above {self.low:g}" if self.above else f"at least {self.low:g}"
        return low if self.high is None else f"{low} and at most {self.high:.10g}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """Texts that match a regular expression as a whole; ``meaning`` says it in words."""

    expression: str
    meaning: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """Texts of a list that is read when it is needed, because it may grow."""

    choices: Callable[[], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class TextList:
    """One text or a list of texts, which becomes one text with commas between them: ``[a, b]`` and ``a,b`` are equal.

    ``meaning`` says what the texts are.
    """

    meaning: str


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """Layers of a model: a number of them from the top, or those from FIRST to LAST, counted from 0; see layers_of."""

    expression = r"([0-9]{1,4})-([0-9]{1,4})(?:/([1-9][0-9]{0,3}))?"
    meaning = "a number of layers from the top, or FIRST-LAST or FIRST-LAST/STEP, counted from 0"

    def value(self, value: object) -> int | str | None:
        """The choice as it is kept; None where it is none."""
        if isinstance(value, str) and value.isdecimal():
            value = int(value) if len(value) < 5 else 0
        if isinstance(value, int) and not isinstance(value, bool):
            return value if 1 <= value <= 10_000 else None
        parts = re.fullmatch(self.expression, value) if isinstance(value, str) else None
        if parts is None or int(parts[1]) > int(parts[2]):
            return None
        # One spelling of the same layers: 00-14, 0-14/1 and 0-14 are one run, and 0-15/2 ends at 14.
        first, last, step = (int(part or 1) for part in parts.groups())
        last = first + (last - first) // step * step
        return f"{first}-{last}" + (f"/{step}" if step > 1 and last > first else "")


def layers_of(choice: int | str, total: int) -> tuple[int, ...] | None:
    """The indices that a choice names in a model of `total` layers; None where it has not as many."""
    if isinstance(choice, int):
        return tuple(range(total - choice, total)) if choice <= total else None
    parts = re.fullmatch(LayerChoice.expression, choice)
    assert parts is not None, "settings are checked"
    first, last, step = (int(part or 1) for part in parts.groups())
    return tuple(range(first, last + 1, step)) if last < total else None


NO_NUMBER: Mapping[str, Any] = {"identity": False}
"""Metadata of a setting that changes no number, so that it is not part of what a run is: what computes the run, and
where other settings come from, which count themselves."""

PLACE: Mapping[str, Any] = {"identity": False, "place": True}
"""Metadata of a path on this machine: not part of what a run is, and not stored with its result."""

REPEAT: Mapping[str, Any] = {"repeats": True}
"""Metadata of a seed: runs that differ in it are runs of their own, and repetitions of one configuration."""

Name = Annotated[str, Pattern(r"[A-Za-z0-9][A-Za-z0-9._-]*", "letters, digits, '.', '_' and '-'")]
"""Names become parts of directory names, so they cannot hold anything that leads elsewhere."""

# Names without an owner are also those of readers of local files in `datasets`, one of which unpickles.
HUB_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*"
TRACKERS = r"none|(tensorboard|wandb|mlflow|trackio)(\+(tensorboard|wandb|mlflow|trackio))*"
"""What `tracker` may be."""
WEIGHTS = r"-?[0-9]{1,6}(\.[0-9]{1,6})?(:-?[0-9]{1,6}(\.[0-9]{1,6})?)*"
"""What `method.weights` may be."""

DEVICES = r"auto|cpu|mps|(cuda|xpu)(:[0-9]{1,3})?"
"""Names of devices, as a regular expression."""

Layers = Annotated[int | str, LayerChoice()]
Count = Annotated[int, Range(1)]
CountOrZero = Annotated[int, Range(0)]
Seed = Annotated[int, Range(0, 2**32 - 1)]
Rate = Annotated[float, Range(0, above=True, limit=1e30)]
Factor = Annotated[float, Range(0, above=True, limit=1e6)]
Share = Annotated[float, Range(0, 1, above=True)]
