"""How often do the intervals of a difference hold the true one, with few units, and all looks of a claim: a simulation.

python scripts/interval_coverage.py [draws]

A unit (seed or subsample) and the inputs are drawn at random, and so is what is left of a unit on an input; a run has
the mean over inputs. Three intervals of 95 %: the program's (comparison.half_width), the one of Satterthwaite's degrees
of freedom, and Student's over the units alone, which knows nothing of other inputs. The first must cover; the others
show what it is there for. A claim looks at its interval with every unit that is added (verdicts.LOOK_LEVEL): how
often one of the looks errs, at 95 % and at that level.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import sqrt

import numpy as np
from scipy.special import stdtrit  # type: ignore[import-untyped]

from prefixrun.analysis.comparison import ENOUGH, LEVEL, MANY, Estimate, estimate, half_width, quantile
from prefixrun.analysis.verdicts import LOOK_LEVEL, MOST_UNITS

INPUTS = 200
UNITS = (3, 4, 5)
SPREADS = ((10.0, 1.0), (3.0, 1.0), (1.0, 1.0), (1.0, 3.0), (1.0, 10.0))
"""Standard deviation of the mean difference between units, and between draws of the inputs, e.g. in BLEU."""
INTERACTION = 0.5
"""Standard deviation of what is left of a unit on all inputs together."""
RUNS = ((2, 2, 1), (5, 1, 1), (3, 2, 1, 1, 1))
"""Runs of each subsample, where these are unequal."""
WITHIN = ((3.0, 1.0), (1.0, 1.0), (1.0, 3.0))
"""Standard deviation between subsamples, and between the runs of one."""
DRAWS = 10_000
SEED = 1


def coverage(
    units: int, spread: tuple[float, float], draws: int = DRAWS, seed: int = SEED
) -> tuple[float, float, float]:
    """Shares of draws in which the program's, Satterthwaite's and Student's interval hold the true difference, 0."""
    generator = np.random.default_rng(seed)
    over_units, over_inputs = spread
    # One input adds its difficulty over INPUTS to the mean, so its own spread is sqrt(INPUTS) times as large.
    held = np.zeros(3)
    for _ in range(draws):
        of_inputs = generator.normal(0, over_inputs * sqrt(INPUTS), INPUTS)
        left = generator.normal(0, INTERACTION * sqrt(INPUTS), (units, INPUTS))
        scores = generator.normal(0, over_units, (units, 1)) + of_inputs + left  # (units, inputs)
        of_runs = scores.mean(axis=1)
        mean, variance = float(of_runs.mean()), float(of_runs.var(ddof=1)) / units
        of_input = float(scores.mean(axis=0).var(ddof=1)) / INPUTS
        halves = (half_width(variance, units - 1, of_input), _satterthwaite(variance, units, of_input), 0.0)
        held += np.abs(mean) < np.array([*halves[:2], quantile(units - 1) * sqrt(variance)])
    return tuple(float(each) for each in held / draws)  # type: ignore[return-value]


def _satterthwaite(variance: float, units: int, of_input: float) -> float:
    degrees = (units - 1) * ((variance + of_input) / variance) ** 2
    return float(stdtrit(min(degrees, MANY), 0.975)) * sqrt(variance + of_input)


def unequal_coverage(
    runs: Sequence[int], spread: tuple[float, float], draws: int = DRAWS, seed: int = SEED
) -> tuple[float, float]:
    """Shares of draws in which the interval over the means of subsamples holds 0, as claims and differences have it,
    and the one of the cluster-robust variance over runs."""
    generator = np.random.default_rng(seed)
    subsamples = [unit for unit, number in enumerate(runs) for _ in range(number)]
    held = np.zeros(2)
    for _ in range(draws):
        of_units = np.repeat(generator.normal(0, spread[0], len(runs)), runs)
        values = (of_units + generator.normal(0, spread[1], len(subsamples))).tolist()
        held += [_holds(estimate(values, subsamples)), _cluster_robust_holds(values, subsamples)]
    return tuple(float(each) for each in held / draws)  # type: ignore[return-value]


def looks(spread: tuple[float, float], draws: int = DRAWS, seed: int = SEED) -> tuple[float, float]:
    """Shares of draws in which at least one interval of 3, 4, ... MOST_UNITS units misses the true difference: at 95 %,
    and at the level of a claim. The inputs are the same at every look."""
    generator = np.random.default_rng(seed)
    over_units, over_inputs = spread
    missed = np.zeros(2)
    for _ in range(draws):
        of_inputs = generator.normal(0, over_inputs)
        units = generator.normal(0, over_units, MOST_UNITS) + generator.normal(0, INTERACTION, MOST_UNITS) + of_inputs
        at = [estimate(units[:number].tolist()) for number in range(ENOUGH, MOST_UNITS + 1)]
        for which, level in enumerate((LEVEL, LOOK_LEVEL)):
            halves = (half_width(each.run_variance or 0.0, each.degrees, over_inputs**2, level) for each in at)
            missed[which] += any(abs(each.mean) > half for each, half in zip(at, halves, strict=True))
    return tuple(float(each) for each in missed / draws)  # type: ignore[return-value]


def _holds(found: Estimate) -> bool:
    return found.low is not None and found.high is not None and found.low < 0 < found.high


def _cluster_robust_holds(values: Sequence[float], subsamples: Sequence[int]) -> bool:
    """Residuals of the mean over runs, summed within each subsample; only the sums count as independent."""
    residuals = np.subtract(values, np.mean(values))
    sums = np.bincount(subsamples, weights=residuals)
    variance = len(sums) / (len(sums) - 1) * float(np.sum(sums**2)) / len(values) ** 2
    return abs(float(np.mean(values))) < quantile(len(sums) - 1) * sqrt(variance)


def main(arguments: Sequence[str]) -> None:
    """Print three tables in Markdown."""
    draws = int(arguments[0]) if arguments else DRAWS
    print("| units | spread over units : inputs | the program's | Satterthwaite's | t over units alone |")
    print("|---:|---:|---:|---:|---:|")
    for units in UNITS:
        for spread in SPREADS:
            shares = " | ".join(f"{100 * each:.1f}" for each in coverage(units, spread, draws))
            print(f"| {units} | {spread[0]:g} : {spread[1]:g} | {shares} |", flush=True)
    print("\n| runs of each subsample | spread between : within | means of subsamples | cluster-robust |")
    print("|---|---:|---:|---:|")
    for runs in RUNS:
        for spread in WITHIN:
            shares = " | ".join(f"{100 * each:.1f}" for each in unequal_coverage(runs, spread, draws))
            print(f"| {', '.join(map(str, runs))} | {spread[0]:g} : {spread[1]:g} | {shares} |", flush=True)
    print(f"\n| looks at | spread over units : inputs | err at 95 % | err at {100 * LOOK_LEVEL:.1f} % |")
    print("|---|---:|---:|---:|")
    for spread in SPREADS:
        shares = " | ".join(f"{100 * each:.1f}" for each in looks(spread, draws=draws))
        print(f"| {ENOUGH} to {MOST_UNITS} units | {spread[0]:g} : {spread[1]:g} | {shares} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
