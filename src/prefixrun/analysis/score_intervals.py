"""The 95 % interval of a score itself: over runs where there are enough of them, and over inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from prefixrun.analysis.comparison import ENOUGH, counted_inputs, estimate, half_width, mean_influence
from prefixrun.metrics.resampling import FEWEST_INPUTS
from prefixrun.results.display_names import within_scale
from prefixrun.results.record import Record

Over = Literal["runs and inputs", "runs", "inputs"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean score and the ends of its interval."""

    mean: float
    low: float
    high: float
    over: Over
    """What varies in it: further draws of seeds and subsamples, of inputs, or both."""


def score_interval(runs: Sequence[Record], metric: str) -> Interval | None:
    """The interval of the mean score of runs of one configuration; None where nothing tells what it could be.

    Over runs from ENOUGH independent ones on; over inputs by the infinitesimal jackknife, from the counts beside the
    runs (see comparison.py). Fewer runs say nothing of the spread between seeds, which the interval then lacks; over
    fewer inputs than FEWEST_INPUTS alone there is none.
    """
    scored = [run for run in runs if run.value(metric) is not None]
    if not scored:
        return None
    values = [float(run.value(metric) or 0.0) for run in scored]
    mean = estimate(values, [run.subsample for run in scored])
    of_runs = mean.run_variance if mean.draws >= ENOUGH else None
    of_inputs = _variance_over_inputs(scored, metric)
    if of_runs is None and (of_inputs is None or counted_inputs(scored[0], metric) < FEWEST_INPUTS):
        return None
    half = half_width(of_runs or 0.0, mean.degrees or 1, of_inputs or 0.0)
    if not half:  # runs that all agree, as at 0 or 100 %, say as little of others
        return None
    low, high = within_scale(metric, mean.mean - half, mean.mean + half)
    over: Over = "runs" if of_inputs is None else "inputs" if of_runs is None else "runs and inputs"
    return Interval(mean.mean, low, high, over)


def _variance_over_inputs(runs: Sequence[Record], metric: str) -> float | None:
    """Of the mean score, where every run has its counts, of the same inputs. Inputs that all agree, as at 0 or 100 %,
    say nothing of how much others would differ."""
    known = mean_influence(runs, metric)
    return None if known is None else float(np.sum(np.square(known[1]))) or None
