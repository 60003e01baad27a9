"""What intervals say, and how many more seeds would make them say something."""

import numpy as np
import pytest
from scipy.special import stdtr  # type: ignore[import-untyped]

from prefixrun.analysis.comparison import estimate
from prefixrun.analysis.verdicts import LOOK_LEVEL, MOST_UNITS, Kind, judge


@pytest.mark.parametrize(
    ("values", "kind", "bound", "outcome", "needs"),
    [
        ([5.0, 5.1, 4.9], "more", 0.0, "holds", ""),
        ([-5.0, -5.1, -4.9], "more", 0.0, "does not hold", ""),
        ([0.0, 0.1, -0.1], "more", 1.0, "does not hold", ""),
        ([0.5, 0.5, 0.51], "more", 1.0, "holds", ""),
        ([0.3, 0.0, -0.3], "more", 1.0, "undecided", "about 1 more seed would decide it"),
        ([5.001, 5.101, 4.901], "clearly more", 5.0, "undecided", "more than 100 more seeds would be needed"),
        ([-0.4, -0.5, -0.6], "not less", 1.0, "holds", ""),
        ([0.4, 0.5, 0.6], "same", 1.0, "holds", ""),
        ([2.0, 2.1, 2.2], "same", 1.0, "does not hold", ""),
        ([5.0, 3.4, 4.2], "more", 0.0, "holds", ""),
        ([5.0, 2.9, 4.1], "more", 0.0, "undecided", "about 1 more seed would decide it"),
        ([5.0, 1.0, 3.0], "more", 0.0, "undecided", "about 4 more seeds would decide it"),
        ([4.0, -1.0, 3.0], "more", 0.0, "undecided", "about 12 more seeds would decide it, beyond the 8 of the plan"),
        ([5.0, 5.1], "more", 0.0, "too few runs", "about 1 more seed would decide it"),
        ([5.0], "more", 0.0, "too few runs", "at least 2 more seeds before anything is decided"),
    ],
)
def test_an_interval_decides_or_says_what_it_needs(
    values: list[float], kind: Kind, bound: float, outcome: str, needs: str
) -> None:
    verdict = judge(estimate(values), kind, bound, units=len(values))
    assert (verdict.outcome, verdict.needs) == (outcome, needs)


def test_a_difference_that_counts_as_none_has_room_up_to_the_margin() -> None:
    measured = estimate([0.0, 0.1, -0.1])
    half = measured.half(LOOK_LEVEL)
    assert half is not None
    assert judge(measured, "more", 1.0, units=3).room == pytest.approx(1.0 - half)


def test_where_less_is_better_the_sign_turns() -> None:
    assert judge(estimate([-5.0, -5.1, -4.9]), "more", 0.0, units=3, less_is_better=True).outcome == "holds"


def test_what_student_alone_would_decide_at_the_first_look_is_not_decided() -> None:
    found = estimate([5.0, 2.9, 4.1])
    assert found.low is not None
    assert found.low > 0
    assert judge(found, "more", 0.0, units=3).outcome == "undecided"


def test_all_looks_together_err_as_seldom_as_one_interval_of_95_per_cent() -> None:
    """Without inputs, the worst case: 100,000 rows of eight units, looked at after three to eight."""
    units = np.random.default_rng(3).normal(size=(100_000, MOST_UNITS))
    smallest = np.ones(len(units))
    for n in range(3, MOST_UNITS + 1):
        part = units[:, :n]
        t = part.mean(axis=1) / (part.std(axis=1, ddof=1) / np.sqrt(n))
        smallest = np.minimum(smallest, 2 * stdtr(n - 1, -np.abs(t)))
    assert 0.046 < np.mean(smallest < 1 - LOOK_LEVEL) < 0.051
    assert np.mean(smallest < 0.05) > 0.09
