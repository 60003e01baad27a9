"""How sure a score is: intervals and paired tests from the stored counts of each segment, without scoring again.

A corpus score is a function of summed counts, so another draw of segments is a weighted sum of the same rows: all
draws of all metrics are one matrix product. What varies is the choice of inputs; nothing here speaks of seeds.
The n-gram weights of CIDEr and NIST stay those of the whole corpus.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prefixrun.metrics import aggregate, suite
from prefixrun.metrics.base import FloatArray

Stats = Mapping[str, FloatArray]
"""``Evaluation.stats``: ``<metric>.<column>`` → one number per segment, ``(segments,)``."""

SAMPLES = 1000
LEVEL = 0.95
SEED = 0

_AT_ONCE = 100
"""Draws whose weights are in memory together: 100 × 11,334 numbers for XSUM, the largest test set."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Ends of a two-sided interval, in the scale of the score."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """The second system minus the first."""

    value: float
    interval: Interval
    """Percentile interval over draws of inputs that both systems share."""
    p_value: float
    """Of approximate randomisation, two-sided; at least 1 / (samples + 1)."""


def intervals(
    task: str, stats: Stats, groups: Sequence[str] | None = None, *, samples: int = SAMPLES, seed: int = SEED
) -> dict[str, Interval]:
    """95 % percentile intervals of the bootstrap over segments (Efron & Tibshirani 1993, chapter 13), for each score.

    `groups`: as for ``metrics.evaluate``; the names are those of its scores. Scores without counts are left out.
    """
    return {
        name + suffix: _percentiles(draws)
        for suffix, part in parts(task, stats, groups)
        for name, draws in _bootstrap(task, part, samples, seed).items()
    }


def differences(
    task: str,
    first: Stats,
    second: Stats,
    groups: Sequence[str] | None = None,
    *,
    samples: int = SAMPLES,
    seed: int = SEED,
) -> dict[str, Difference]:
    """Paired comparison of two systems on the same inputs, for each score that both have.

    The p-value is that of approximate randomisation (Noreen 1989; for corpus scores Riezler & Maxwell 2005): under the
    null hypothesis the two outputs of an input could be exchanged, so in each of `samples` trials every pair is with
    probability 1/2, and p = (trials that differ at least as much + 1) / (samples + 1). The interval is that of the
    paired bootstrap (Koehn 2004), both systems on the same draws of inputs.

    Raises ValueError if the systems have different numbers of segments.
    """
    shared = [column for column in first if column in second]
    one, other = ({column: stats[column] for column in shared} for stats in (first, second))
    if any(one[column].shape != other[column].shape for column in shared):
        raise ValueError("the two systems have different numbers of segments")
    sides = zip(parts(task, one, groups), parts(task, other, groups), strict=True)
    return {
        name + suffix: difference
        for (suffix, mine), (_, theirs) in sides
        for name, difference in _compare(task, mine, theirs, samples, seed).items()
    }


def _compare(task: str, first: Stats, second: Stats, samples: int, seed: int) -> dict[str, Difference]:
    before, after = aggregate(task, first), aggregate(task, second)
    drawn, drawn_after = (_bootstrap(task, stats, samples, seed) for stats in (first, second))
    swapped = _randomised(task, first, second, samples, seed)
    found = {}
    for name, value in before.items():
        observed = after[name] - value
        # Sums in another order differ in their last digits; a trial that only repeats the observation counts.
        slack = 1e-9 * max(abs(after[name]), abs(value))
        extreme = int((np.abs(swapped[name]) >= abs(observed) - slack).sum())
        interval = _percentiles(drawn_after[name] - drawn[name])
        found[name] = Difference(observed, interval, (extreme + 1) / (samples + 1))
    return found


def _bootstrap(task: str, stats: Stats, samples: int, seed: int) -> dict[str, FloatArray]:
    """Each score on `samples` draws of segments with replacement, ``(samples,)``; one seed, one set of draws."""
    rows = _matrix(stats)
    segments = len(rows)
    generator = np.random.default_rng([seed, 0])
    totals = [
        generator.multinomial(segments, np.full(segments, 1 / segments), size=size).astype(np.float64) @ rows
        for size in _chunks(samples)
    ]
    return _scores(task, stats, np.concatenate(totals))


def _randomised(task: str, first: Stats, second: Stats, samples: int, seed: int) -> dict[str, FloatArray]:
    """Differences of each score when the outputs of every segment change sides at random, ``(samples,)``."""
    mine, theirs = _matrix(first), _matrix(second)
    gained = theirs - mine
    generator = np.random.default_rng([seed, 1])
    moved = np.concatenate(
        [generator.integers(0, 2, size=(size, len(gained))).astype(np.float64) @ gained for size in _chunks(samples)]
    )
    before = _scores(task, first, mine.sum(axis=0) + moved)
    after = _scores(task, first, theirs.sum(axis=0) - moved)
    return {name: after[name] - draws for name, draws in before.items()}


def _scores(task: str, stats: Stats, totals: FloatArray) -> dict[str, FloatArray]:
    """Each score for every row of summed counts, ``totals: (samples, columns)``."""
    draws = [aggregate(task, {name: row[i : i + 1] for i, name in enumerate(stats)}) for row in totals]
    return {name: np.array([one[name] for one in draws]) for name in draws[0]}


def _matrix(stats: Stats) -> FloatArray:
    """``(segments, columns)``."""
    return np.column_stack([column.astype(np.float64) for column in stats.values()])


def _chunks(samples: int) -> Iterator[int]:
    for start in range(0, samples, _AT_ONCE):
        yield min(_AT_ONCE, samples - start)


def parts(task: str, stats: Stats, groups: Sequence[str] | None) -> list[tuple[str, Stats]]:
    """What stands behind the names of the scores (`/seen`), and the counts of these segments."""
    if not stats:
        return []
    if not suite(task).by_group:
        return [("", stats)]
    of = np.array(groups or [""] * len(next(iter(stats.values()))))
    members = {group: of == group for group in sorted(set(of.tolist()) - {""})}
    parts = [(f"/{group}", {name: column[rows] for name, column in stats.items()}) for group, rows in members.items()]
    return [("/all", stats), *parts] if parts else [("", stats), ("/all", stats)]


def _percentiles(draws: FloatArray) -> Interval:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))
