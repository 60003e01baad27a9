"""What an interval says about a claim, and about how many more seeds or subsamples would make it say something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prefixrun.analysis.comparison import ENOUGH, Estimate, half_width
from prefixrun.console import count

EvidenceOutcome = Literal["holds", "does not hold", "undecided", "unequal", "too few runs"]
"""Of one piece of evidence. From too few runs, or for sides that are not equal, it is shown and does not count."""

Kind = Literal["more", "clearly more", "not less", "same"]

MOST_UNITS = 8
"""Seeds or subsamples up to which a claim is tried, fixed beforehand: as many as experiment=noise has."""

LOOK_LEVEL = 0.986
"""Level of each interval of a claim. It is looked at with every unit that is added, from three to MOST_UNITS, and six
looks err more often than one: at 95 % each in up to 13 % of cases. At this level they err in 5 % together: one level
for every look (Pocock 1977), for t intervals by simulation (scripts/interval_coverage.py)."""

MOST = 100
"""More seeds than this are not asked for."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one interval says."""

    outcome: EvidenceOutcome
    needs: str = ""
    """What would decide it, `about 3 more seeds`; empty when it is decided."""
    room: float = 0.0
    """How far the interval lies from where it would decide nothing."""


def judge(
    mean: Estimate, kind: Kind, bound: float, units: int, unit: str = "seed", *, less_is_better: bool = False
) -> Verdict:
    """What "first minus second" says at LOOK_LEVEL, decided by at least three units.

    How many more it needs is what would decide it if the mean and the spread between units stayed as they are; the part
    of the interval that comes from the inputs stays.
    """
    sign = -1.0 if less_is_better else 1.0
    if (known := mean.half(LOOK_LEVEL)) is not None and units >= ENOUGH:
        decided = _outcome(sign * mean.mean, known, kind, bound)
        if decided != "undecided":
            return Verdict(decided, room=_room(sign * mean.mean, known, kind, bound))
    outcome: EvidenceOutcome = "undecided" if units >= ENOUGH else "too few runs"
    if mean.run_variance is None or mean.draws < 2 or units < 2:
        return Verdict(outcome, f"at least {count(ENOUGH - units, f'more {unit}')} before anything is decided")
    for more in range(max(1, ENOUGH - units), MOST + 1):
        n = units + more
        half = half_width(mean.run_variance * units / n, n - 1, mean.input_variance, LOOK_LEVEL)
        if _outcome(sign * mean.mean, half, kind, bound) != "undecided":
            beyond = f", beyond the {MOST_UNITS} of the plan" if n > MOST_UNITS else ""
            return Verdict(outcome, f"about {count(more, f'more {unit}')} would decide it{beyond}")
    inputs = half_width(0.0, 1, mean.input_variance, LOOK_LEVEL)
    if _outcome(sign * mean.mean, inputs, kind, bound) == "undecided":
        return Verdict(outcome, f"no number of {unit}s would decide it, more inputs might")
    return Verdict(outcome, f"more than {MOST} more {unit}s would be needed")


def _outcome(middle: float, half: float, kind: Kind, bound: float) -> EvidenceOutcome:
    """What an interval of "first minus second", larger being better, says.

    "more" does not hold either where the difference is sure to be one that counts as none.
    """
    low, high = middle - half, middle + half
    is_none = _is_none(middle, half, bound)
    if kind == "same":
        is_outside = low > bound or high < -bound
        return "holds" if is_none else "does not hold" if is_outside else "undecided"
    threshold = _threshold(kind, bound)
    if low > threshold:
        return "holds"
    return "does not hold" if high < threshold or (kind == "more" and is_none) else "undecided"


def _is_none(middle: float, half: float, bound: float) -> bool:
    """Whether the whole interval lies within the margin on both sides of 0."""
    return abs(middle) + half < bound


def _room(middle: float, half: float, kind: Kind, bound: float) -> float:
    """How far a deciding interval lies from where it would decide nothing."""
    if kind == "same":
        return abs(bound - abs(middle)) - half
    room = abs(middle - _threshold(kind, bound)) - half
    return bound - abs(middle) - half if kind == "more" and room < 0 else room


def _threshold(kind: Kind, bound: float) -> float:
    return {"more": 0.0, "clearly more": bound, "not less": -bound}[kind]
