"""Confidence intervals and paired tests from the stored counts of each segment, without scoring again.

A corpus score is a function of summed counts, so the score of a resample of segments is that of a weighted sum of the
same rows, and all resamples of all metrics are one matrix product. What varies is the choice of inputs, not the seed
of training. The n-gram weights of CIDEr and NIST stay those of the whole corpus.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prefixrun.metrics import aggregate, suite
from prefixrun.metrics.base import FloatArray
from prefixrun.metrics.suite import OF_ALL_INPUTS

Stats = Mapping[str, FloatArray]
"""``Evaluation.stats``: ``<metric>.<column>`` → one number per segment, ``(segments,)``."""

FEWEST_INPUTS = 20
"""With fewer nothing is said of others: percentile intervals of the bootstrap are then much too narrow, and of n pairs
that may be exchanged no p-value is below 2 / 2^n."""

SAMPLES = 1000
LEVEL = 0.95
SEED = 0

_CHUNK = 100
"""Resamples whose weights are in memory together: 100 × 11,334 numbers for XSUM, the largest test set."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Ends of a two-sided interval, in the scale of the score."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """The second system minus the first."""

    value: float
    interval: Interval | None
    """Percentile interval over resamples of the inputs, the same for both systems; None with fewer than FEWEST_INPUTS,
    as is the p-value."""
    p_value: float | None
    """Of approximate randomisation, two-sided; at least 1 / (samples + 1)."""


def intervals(
    task: str, stats: Stats, groups: Sequence[str] | None = None, *, samples: int = SAMPLES, seed: int = SEED
) -> dict[str, Interval]:
    """95 % percentile intervals of the bootstrap over segments (Efron & Tibshirani 1993, chapter 13), for each score.

    `groups`: as for ``metrics.evaluate``; the names are those of its scores. Scores without counts are left out, and so
    are those of fewer than FEWEST_INPUTS segments.
    """
    return {
        name + suffix: _percentiles(resamples)
        for suffix, part in parts(task, stats, groups)
        if not _is_small(part)
        for name, resamples in _bootstrap(task, part, samples, seed).items()
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
    first, second = ({column: stats[column] for column in shared} for stats in (first, second))
    if any(first[column].shape != second[column].shape for column in shared):
        raise ValueError("the two systems have different numbers of segments")
    pairs = zip(parts(task, first, groups), parts(task, second, groups), strict=True)
    return {
        name + suffix: difference
        for (suffix, part_of_first), (_, part_of_second) in pairs
        for name, difference in _compare(task, part_of_first, part_of_second, samples, seed).items()
    }


def _compare(task: str, first: Stats, second: Stats, samples: int, seed: int) -> dict[str, Difference]:
    first_scores, second_scores = aggregate(task, first), aggregate(task, second)
    if _is_small(first):
        return {name: Difference(second_scores[name] - value, None, None) for name, value in first_scores.items()}
    # both systems on the same resamples of inputs, since both have the same seed
    first_resamples, second_resamples = (_bootstrap(task, stats, samples, seed) for stats in (first, second))
    exchanged = _randomised(task, first, second, samples, seed)
    differences = {}
    for name, value in first_scores.items():
        observed = second_scores[name] - value
        # Sums in another order differ in their last digits; a trial that only repeats the observation counts.
        tolerance = 1e-9 * max(abs(second_scores[name]), abs(value))
        extreme = int((np.abs(exchanged[name]) >= abs(observed) - tolerance).sum())
        interval = _percentiles(second_resamples[name] - first_resamples[name])
        # the observation itself is one of the equally likely exchanges, hence + 1 on both sides
        differences[name] = Difference(observed, interval, (extreme + 1) / (samples + 1))
    return differences


def _bootstrap(task: str, stats: Stats, samples: int, seed: int) -> dict[str, FloatArray]:
    """Each score on `samples` resamples of the segments, ``(samples,)``; the same seed gives the same resamples."""
    rows = _matrix(stats)
    segments = len(rows)
    generator = np.random.default_rng([seed, 0])
    # Drawing n of n segments with replacement: how often each is drawn is multinomial, (size, segments). Times the
    # rows of counts, (segments, columns), these are the summed counts of each resample.
    totals = [
        generator.multinomial(segments, np.full(segments, 1 / segments), size=size).astype(np.float64) @ rows
        for size in _chunks(samples)
    ]
    return _scores(task, stats, np.concatenate(totals))


def _randomised(task: str, first: Stats, second: Stats, samples: int, seed: int) -> dict[str, FloatArray]:
    """Differences of each score when every pair of outputs is exchanged with probability 1/2, ``(samples,)``."""
    first_rows, second_rows = _matrix(first), _matrix(second)
    change = second_rows - first_rows
    generator = np.random.default_rng([seed, 1])
    # 1 for a segment whose outputs are exchanged: the first system's sums gain the change, the second's lose it
    exchanged = np.concatenate(
        [generator.integers(0, 2, size=(size, len(change))).astype(np.float64) @ change for size in _chunks(samples)]
    )
    first_scores = _scores(task, first, first_rows.sum(axis=0) + exchanged)
    second_scores = _scores(task, first, second_rows.sum(axis=0) - exchanged)
    return {name: second_scores[name] - scores for name, scores in first_scores.items()}


def _scores(task: str, stats: Stats, totals: FloatArray) -> dict[str, FloatArray]:
    """Each score for every row of summed counts, ``totals: (samples, columns)`` -> ``(samples,)``."""
    scores = [aggregate(task, {name: row[i : i + 1] for i, name in enumerate(stats)}) for row in totals]
    return {name: np.array([sample[name] for sample in scores]) for name in scores[0]}


def _matrix(stats: Stats) -> FloatArray:
    """The counts as rows, ``(segments, columns)``."""
    return np.column_stack([column.astype(np.float64) for column in stats.values()])


def _chunks(samples: int) -> Iterator[int]:
    for start in range(0, samples, _CHUNK):
        yield min(_CHUNK, samples - start)


def parts(task: str, stats: Stats, groups: Sequence[str] | None) -> list[tuple[str, Stats]]:
    """The parts of a corpus that are scored apart: the suffix of their scores' names (`/seen`), and their counts.

    Those of the metrics in OF_ALL_INPUTS are of the whole corpus alone.
    """
    if not stats:
        return []
    if not suite(task).by_group:
        return [("", stats)]
    group_of = np.array(groups or [""] * len(next(iter(stats.values()))))
    members = {group: group_of == group for group in sorted(set(group_of.tolist()) - {""})}
    of_parts = {name: column for name, column in stats.items() if name.partition(".")[0] not in OF_ALL_INPUTS}
    parts = [
        (f"/{group}", {name: column[rows] for name, column in of_parts.items()}) for group, rows in members.items()
    ]
    whole = [(suffix, stats) for suffix in suite(task).suffixes(grouped=bool(parts))]
    return [*whole, *(parts if of_parts else [])]


def _is_small(stats: Stats) -> bool:
    return len(next(iter(stats.values()))) < FEWEST_INPUTS


def _percentiles(resamples: FloatArray) -> Interval:
    low, high = np.quantile(resamples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))
