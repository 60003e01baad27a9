"""Does a mean over runs reproduce a printed number? Two one-sided tests against it (TOST; Schuirmann 1987).

The paper prints rounded numbers and no spread, so the question is whether the true mean lies within a margin of what
may have been rounded: |ours - printed| < margin + half a unit of the last digit. The margins are ours. Test sets
are the paper's own, so only seeds and subsamples vary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from prefixrun.analysis.comparison import ENOUGH, estimate, quantile
from prefixrun.analysis.paper_numbers import Cell
from prefixrun.results.display_names import less_is_better

Kind = Literal["reproduced", "better", "worse", "undecided", "not comparable", "no runs"]

MARGINS = {
    "BLEU": 1.0,
    "NIST": 0.1,
    "ROUGE_L": 1.0,
    "CIDEr": 0.05,
    "TER": 0.01,
    "ROUGE-1": 0.5,
    "ROUGE-2": 0.5,
    "ROUGE-L": 0.5,
    "MoverScore": 0.01,
    "BERTScore": 0.01,
    "BLEURT": 0.02,
}
"""Largest difference from the paper that still counts as the same, in the scale of the score: about what users of the
paper's code report between runs that follow it (1 BLEU on E2E and WebNLG), and at least the last printed digit."""

METEOR_MARGINS = {"e2e": 0.5}
METEOR_FRACTION = 0.01

UNSEEN = {"BLEU/unseen": 2.0}
"""WebNLG's unseen categories move most between runs."""

MOST = 100
"""Judgements ask for at most so many further seeds."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What runs say about one printed number."""

    kind: Kind
    text: str
    """The kind with its reason, e.g. `undecided (about 3 more seeds)`."""


def margin(task: str, metric: str) -> float:
    """The margin of one score; 0 for a score that the paper does not have."""
    name = metric.partition("/")[0]
    if name == "METEOR":
        return METEOR_MARGINS.get(task, METEOR_FRACTION)
    return UNSEEN.get(metric, MARGINS.get(name, 0.0))


def half_width(cell: Cell) -> float:
    """Half a unit of the last digit that was printed."""
    return float(0.5 * 10.0**-cell.decimals)


def judge(task: str, values: Sequence[float], cell: Cell) -> Judgement:
    """Compare runs at the paper's setting with its number.

    *reproduced*: the mean is within the bounds with 95 % confidence on either side (the 90 % interval lies inside);
    *better*, *worse*: the 95 % interval lies outside altogether; *undecided*: neither, with the number of further seeds
    that would decide it if mean and standard deviation stayed as they are. Fewer than three runs decide nothing. The
    levels are those of one look: they are not corrected for judging again after each added seed.
    """
    if not values:
        return Judgement("no runs", "no runs")
    if (missing := ENOUGH - len(values)) > 0:
        seeds = f"{missing} more seed{'s' if missing > 1 else ''}"
        return Judgement("undecided", f"undecided (at least {seeds} before anything is decided)")
    mean = estimate(values)
    sd, bound = mean.sd or 0.0, margin(task, cell.metric) + half_width(cell)
    distance = mean.mean - cell.value
    if kind := _decided(distance, bound, sd, len(values), cell.metric):
        return Judgement(kind, kind)
    # How many more seeds would decide it, if mean and standard deviation stayed as they are?
    for n in range(len(values) + 1, len(values) + MOST + 1):
        if _decided(distance, bound, sd, n, cell.metric):
            more = n - len(values)
            return Judgement("undecided", f"undecided (about {more} more seed{'s' if more > 1 else ''})")
    return Judgement("undecided", f"undecided (more than {MOST} more seeds: the mean is at the margin's edge)")


def _decided(distance: float, bound: float, sd: float, n: int, metric: str) -> Kind | None:
    """What n runs with this mean and standard deviation say; None where they do not decide."""
    error = sd / sqrt(n)
    # TOST: two one-sided tests at 5 % each reject exactly when the 90 % interval lies within the bounds.
    if abs(distance) + quantile(n - 1, 0.90) * error <= bound:
        return "reproduced"
    # Different only when the 95 % interval lies outside the bounds altogether.
    if abs(distance) - quantile(n - 1) * error <= bound:
        return None
    return "better" if (distance > 0) != less_is_better(metric) else "worse"
