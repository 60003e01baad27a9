"""Is one method better than another, over seeds and inputs: estimates, paired tests, correction for many tests.

Two things vary: which seeds and subsamples were drawn, and which inputs the test set happens to hold. A difference has
a variance from each, crossed with one another, so the variances add up:

* *runs*: the sample variance of the differences of paired runs (same seed and subsample) over their number; for runs
  that cannot be paired, the two variances of the means added (Welch). A single run beside several has their variance
  (Student's test of equal variances, with as many degrees of freedom): fewer runs must not make a difference look more
  certain. Runs that share a subsample of the training
  data are not independent, so with several subsamples these are the units, each by the mean of its runs: a subsample
  with more runs then counts no more than another, and the cluster-robust variance, which covers too seldom where
  subsamples have unequal numbers of runs, is not needed;
* *inputs*: the variance that another draw of inputs would give the mean difference, by the infinitesimal jackknife
  (Efron 1982): a corpus score is a smooth function of summed counts, so its gradient says what each input adds. To
  first order it is the bootstrap's variance, at a tenth of its cost, with the same inputs for all runs of both methods.

The half-widths that either variance alone would give, Student's t over runs and the normal one over inputs, add up by
their squares, as in the modified large-sample intervals of Graybill and Wang (1980). So an interval is never narrower
than the plain t interval over runs. Satterthwaite's degrees of freedom (1946) take the sample variance of three seeds
at its word and can be narrower; scripts/interval_coverage.py compares them. Resampling few seeds instead would
underestimate their variance by (n - 1) / n, and exchanging the runs of four seeds at random can give no p below 1/8.
The interaction of seeds and inputs is in both terms, so intervals are a little too wide rather than too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit  # type: ignore[import-untyped]  # scipy.stats takes a second to import

from prefixrun.metrics import aggregate, suite
from prefixrun.metrics.base import FloatArray
from prefixrun.metrics.resampling import FEWEST_INPUTS
from prefixrun.results.counts import COUNTS, Counts
from prefixrun.results.display_names import within_scale
from prefixrun.results.record import Record

LEVEL = 0.95
ENOUGH = 3
"""Independent draws from which a spread between runs is believed; from two it may by chance be next to nothing."""
MANY = 1e9
"""Degrees of freedom of a variance over inputs, which counts as known."""
BISECTIONS = 50
"""Of the p-value's interval."""
Influence = tuple[tuple[str, ...], FloatArray]
"""Ids of inputs, and what each adds to a score beyond the average one, ``(inputs,)``."""
STEP = 0.01
"""Share of a summed count by which the gradient moves it; at least 1, as most counts are whole numbers."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its uncertainty."""

    mean: float
    n: int
    """Runs (or pairs of runs) behind it."""
    draws: int
    """Independent units among them: subsamples where there are several, else runs."""
    sd: float | None
    """Standard deviation between runs; None for one run."""
    low: float | None
    """Lower end of the 95 % interval; None where it is unknown."""
    high: float | None
    subsamples: int = field(default=1, kw_only=True)
    """Different subsamples of the training data among the runs."""
    run_variance: float | None = field(default=None, kw_only=True)
    """Of the mean over further draws of runs, with `degrees`; None where it is unknown."""
    degrees: float = field(default=0.0, kw_only=True)
    input_variance: float = field(default=0.0, kw_only=True)
    """Of the mean over draws of inputs; 0 where inputs stay the same."""

    def half(self, level: float) -> float | None:
        """Half of the interval at another level than that of `low` and `high`; None where it is unknown."""
        if self.low is None:
            return None
        return half_width(self.run_variance or 0.0, self.degrees, self.input_variance, level)


@dataclass(frozen=True, slots=True)
class Difference(Estimate):
    """The second arm minus the first."""

    p_value: float | None
    """Two-sided, of no difference; None where it is unknown."""
    paired: bool
    """Whether runs were compared by seed and subsample."""
    note: str
    """What the interval does not cover, or why there is none; empty when it covers seeds and inputs."""


def estimate(values: Sequence[float], subsamples: Sequence[int] = (), score: str = "") -> Estimate:
    """Mean over units, standard deviation between runs and Student's interval over units. Raises ValueError without
    values.

    `subsamples`: of the training data, one for each value; none where all runs are independent. Several are the units.
    `score`: its name, where the values are one: the interval ends where it does.
    """
    if not values:
        raise ValueError("there is nothing to average")
    n = len(values)
    units = unit_means(values, subsamples or [0] * n)
    draws, mean = len(units), float(np.mean(units))
    sd = float(np.std(values, ddof=1)) if n > 1 else None
    variance = _variance_of_mean(units)
    if variance is None:
        return Estimate(mean, n, draws, sd, None, None)
    half, different = half_width(variance, draws - 1), len(set(subsamples)) or 1
    low, high = mean - half, mean + half
    if score:
        low, high = within_scale(score, low, high)
    return Estimate(mean, n, draws, sd, low, high, subsamples=different, run_variance=variance, degrees=draws - 1)


def quantile(degrees: float, level: float = LEVEL) -> float:
    """Student's two-sided quantile."""
    return float(stdtrit(degrees, (1 + level) / 2))


def half_width(run_variance: float, degrees: float, input_variance: float = 0.0, level: float = LEVEL) -> float:
    """Half of the interval of a mean: `run_variance`, known with `degrees` of freedom, and that over many inputs."""
    over_runs = quantile(degrees, level) ** 2 * run_variance if run_variance else 0.0
    over_inputs = quantile(MANY, level) ** 2 * input_variance if input_variance else 0.0
    return sqrt(over_runs + over_inputs)


def difference(first: Sequence[Record], second: Sequence[Record], metric: str) -> Difference | None:
    """How much larger the second arm's score is, over seeds and inputs; None when an arm has no value.

    Runs are paired by seed and subsample where at least ENOUGH pairs exist, or every run of the arm with fewer has its
    partner (a single run only that of a single run).
    """
    arms = [[run for run in arm if run.value(metric) is not None] for arm in (first, second)]
    if not all(arms):
        return None
    # 1. Pair runs of equal seed and subsample; runs without a partner are then left out.
    pairs = _paired(*arms)
    fewer = min(map(len, arms))
    paired = len(pairs) >= ENOUGH or (len(pairs) == fewer and (fewer > 1 or len(arms[0]) == len(arms[1])))
    left_out = sum(map(len, arms)) - 2 * len(pairs) if paired else 0
    if paired:
        arms = [[pair[arm] for pair in pairs] for arm in (0, 1)]
    # 2. The mean difference, and its variance over further seeds and subsamples.
    values = [[float(run.value(metric) or 0.0) for run in arm] for arm in arms]
    sd = float(np.std(np.subtract(values[1], values[0]), ddof=1)) if paired and len(pairs) > 1 else None
    subsamples = [[run.subsample for run in arm] for arm in arms]
    units = [unit_means(*arm) for arm in zip(values, subsamples, strict=True)]
    mean = float(np.mean(units[1]) - np.mean(units[0]))
    run_variance, degrees, draws = _variance_over_units(units, paired)
    drawn = [len(set(of_arm)) for of_arm in subsamples]
    # 3. Its variance over draws of inputs, which adds to that over seeds.
    input_variance, why_unknown = _variance_over_inputs(arms, metric)
    notes = [f"over the {len(pairs)} pairs of equal seeds"] if left_out else []
    low = high = p_value = None
    if run_variance is not None:
        low, high, p_value = _interval(mean, run_variance, degrees, input_variance or 0.0)
        notes += [f"of seeds alone: {why_unknown}"] if why_unknown else []
        if draws == 1:
            notes.append("with the spread between the runs of one side taken for both: the other has one run")
        elif draws < ENOUGH:
            notes.append(f"from {draws} independent draws, too few to trust")
        if min(drawn) == 1 < max(drawn) and draws > 1:
            notes.append("with one side of a single subsample, whose spread is that of seeds alone")
    elif input_variance is not None and counted_inputs(arms[0][0], metric) < FEWEST_INPUTS:
        notes.append(f"one run, and fewer than {FEWEST_INPUTS} inputs: no interval")
    elif input_variance is not None:
        low, high, p_value = _interval(mean, 0.0, 1, input_variance)
        notes.append("of inputs alone: one run says nothing about seeds")
    else:
        notes.append(f"one run, and {why_unknown}: no interval")
    return Difference(
        mean,
        min(map(len, arms)),
        draws,
        sd,
        low,
        high,
        p_value,
        paired,
        "; ".join(notes),
        subsamples=min(drawn),
        run_variance=run_variance,
        degrees=degrees,
        input_variance=input_variance or 0.0,
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for being tests of one table (Holm 1979), in their order.

    The smallest of m is multiplied by m, the next by m - 1, and so on; none becomes smaller than one before it, and
    none larger than 1.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def _paired(first: Sequence[Record], second: Sequence[Record]) -> list[tuple[Record, Record]]:
    by_seed = [{(run.subsample, run.seed): run for run in arm} for arm in (first, second)]
    return [(by_seed[0][key], by_seed[1][key]) for key in sorted(by_seed[0]) if key in by_seed[1]]


def _variance_of_mean(units: Sequence[float]) -> float | None:
    """Of the mean over further draws of independent units; None where there is one unit."""
    return float(np.var(units, ddof=1)) / len(units) if len(units) > 1 else None


def unit_means(values: Sequence[float], subsamples: Sequence[int]) -> list[float]:
    """The mean of the runs of each subsample, in the order of their first runs; without several every run is a unit."""
    if len(set(subsamples)) < 2:
        return list(values)
    labelled = list(zip(values, subsamples, strict=True))
    return [
        float(np.mean([value for value, of_value in labelled if of_value == unit]))
        for unit in dict.fromkeys(subsamples)
    ]


def _variance_over_units(units: Sequence[Sequence[float]], paired: bool) -> tuple[float | None, float, int]:
    """Variance of the mean difference between units, its degrees of freedom, and the units of the arm with fewer; the
    variance is None when it cannot be told."""
    if paired:
        draws = len(units[0])
        return _variance_of_mean(np.subtract(units[1], units[0]).tolist()), draws - 1, draws
    # Welch: the variances of both means add up; Satterthwaite weighs their degrees of freedom by their squares.
    variances = [variance for arm in units if (variance := _variance_of_mean(arm)) is not None]
    draws = min(map(len, units))
    if not variances:
        return None, 0, draws
    if draws == 1:
        several = max(map(len, units))
        return variances[0] * (1 + several), several - 1, draws  # s² / n, and s² for the single run
    total = sum(variances)
    weight = sum(variance**2 / (len(arm) - 1) for variance, arm in zip(variances, units, strict=True))
    return total, total**2 / weight if weight else draws - 1, draws


def _interval(mean: float, run_variance: float, degrees: float, input_variance: float) -> tuple[float, float, float]:
    """Ends of the interval and the p-value: one less the level whose interval just reaches 0."""
    half = half_width(run_variance, degrees, input_variance)
    if half == 0.0:
        return mean, mean, 1.0 if mean == 0.0 else 0.0
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        reaches = half_width(run_variance, degrees, input_variance, 1 - middle) >= abs(mean)
        low, high = (middle, high) if reaches else (low, middle)
    return mean - half, mean + half, (low + high) / 2


def _variance_over_inputs(arms: Sequence[Sequence[Record]], metric: str) -> tuple[float | None, str]:
    """Variance of the difference of the arms' mean scores over draws of inputs; None and the reason where unknown."""
    first, second = (mean_influence(runs, metric) for runs in arms)
    if first is None or second is None:
        alone = all(influence(run, metric) for arm in arms for run in arm)
        return None, "their inputs are not the same" if alone else "no counts to tell what inputs do"
    if first[0] != second[0]:
        return None, "their inputs are not the same"
    # The same inputs serve both arms, so differences are per input.
    return float(np.sum(np.square(second[1] - first[1]))), ""


def mean_influence(runs: Sequence[Record], metric: str) -> Influence | None:
    """What each input adds to the mean score of runs, which weigh as in that mean: the runs of each subsample as much
    as those of any other. None where a run lacks its counts or has other inputs."""
    known = [influence(run, metric) for run in runs]
    measured = [variance for variance in known if variance is not None]
    if len(measured) < len(known) or len({ids for ids, _ in measured}) != 1:
        return None
    subsamples = [run.subsample for run in runs]
    counts = [subsamples.count(subsample) if len(set(subsamples)) > 1 else 1 for subsample in subsamples]
    rows = [row for _, row in measured]
    return measured[0][0], np.average(rows, axis=0, weights=[1 / count for count in counts])


@lru_cache(maxsize=4096)  # a reference is compared with many others
def influence(record: Record, metric: str) -> Influence | None:
    """The ids of a run's inputs and what each adds to the score beyond the average one, ``(inputs,)``.

    The infinitesimal jackknife: the score is a function of counts summed over inputs, so one more or less of an input
    moves it by the input's distance from the mean count times the gradient. The sum of squares is the variance of the
    score over draws of inputs. None without the counts.
    """
    counts, rows = _counts_of(record, metric)
    if counts is None or not counts.columns or len(rows) < 2:
        return None
    name = metric.partition("/")[0]
    matrix = np.column_stack([column[rows] for column in counts.columns.values()])  # (inputs of the group, columns)
    gradient = _gradient(record.scored_as, name, list(counts.columns), matrix.sum(axis=0))
    influences = np.zeros(len(counts.ids))  # inputs outside the group add nothing
    influences[rows] = (matrix - matrix.mean(axis=0)) @ gradient
    return counts.ids, influences


def counted_inputs(record: Record, metric: str) -> int:
    """How many inputs a score is of; 0 where the run does not have their counts."""
    return len(_counts_of(record, metric)[1])


def _counts_of(record: Record, metric: str) -> tuple[Counts | None, npt.NDArray[np.int64]]:
    """The counts of a score and the rows of its inputs; none of these without the counts or their groups."""
    name, _, input_group = metric.partition("/")
    if record.file(COUNTS) is None:  # then its task may have metrics that this version does not know
        return None, np.arange(0)
    counts = record.stats(_counted_as(record.scored_as, name))
    rows = None if counts is None else _rows_of(counts, input_group)
    return counts, np.arange(0) if rows is None else rows


def _gradient(task: str, name: str, columns: Sequence[str], totals: FloatArray) -> FloatArray:
    """How the score changes with each summed count, ``(columns,)``, by central differences of about a hundredth."""

    def score(index: int, change: float) -> float:
        moved = totals.copy()
        moved[index] += change
        return aggregate(task, {key: moved[i : i + 1] for i, key in enumerate(columns)})[name]

    ahead = np.maximum(1.0, np.round(STEP * np.abs(totals)))
    behind = np.where(totals >= ahead, ahead, 0.0)  # a count cannot be negative: then a forward difference
    return np.array(
        [
            (score(i, forward) - score(i, -back)) / (forward + back)
            for i, (forward, back) in enumerate(zip(ahead, behind, strict=True))
        ]
    )


def _counted_as(task: str, name: str) -> str:
    """What the count columns of a score begin with: the first of its metric's scores."""
    return next((metric.names[0] for metric in suite(task).every if name in metric.names), name)


def _rows_of(counts: Counts, input_group: str) -> npt.NDArray[np.int64] | None:
    """Rows of the inputs of a group (WebNLG: seen, unseen); None when the run did not keep the groups."""
    if input_group in ("", "all"):
        return np.arange(len(counts.ids))
    return None if counts.groups is None else np.flatnonzero(np.array(counts.groups) == input_group)
