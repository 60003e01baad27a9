"""What intervals say, and how many more seeds would make them say something."""

import pytest

from prefixrun.analysis.comparison import estimate
from prefixrun.analysis.verdicts import Kind, judge


@pytest.mark.parametrize(
    ("values", "kind", "bound", "outcome", "needs"),
    [
        ([5.0, 5.1, 4.9], "more", 0.0, "holds", ""),
        ([-5.0, -5.1, -4.9], "more", 0.0, "does not hold", ""),
        ([5.001, 5.101, 4.901], "clearly more", 5.0, "undecided", "more than 100 more seeds would be needed"),
        ([-0.4, -0.5, -0.6], "not less", 1.0, "holds", ""),
        ([0.4, 0.5, 0.6], "same", 1.0, "holds", ""),
        ([2.0, 2.1, 2.2], "same", 1.0, "does not hold", ""),
        ([5.0, 1.0, 3.0], "more", 0.0, "undecided", "about 2 more seeds would decide it"),
        ([4.0, -1.0, 3.0], "more", 0.0, "undecided", "about 7 more seeds would decide it"),
        ([5.0, 5.1], "more", 0.0, "too few runs", "about 1 more seed would decide it"),
        ([5.0], "more", 0.0, "too few runs", "at least 2 more seeds before anything is decided"),
    ],
)
def test_an_interval_decides_or_says_what_it_needs(
    values: list[float], kind: Kind, bound: float, outcome: str, needs: str
) -> None:
    verdict = judge(estimate(values), kind, bound, units=len(values))
    assert (verdict.outcome, verdict.needs) == (outcome, needs)


def test_where_less_is_better_the_sign_turns() -> None:
    assert judge(estimate([-5.0, -5.1, -4.9]), "more", 0.0, units=3, less_is_better=True).outcome == "holds"
