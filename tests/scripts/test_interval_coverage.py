"""The simulation of the intervals, in small."""

import runpy
from pathlib import Path

import pytest

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "interval_coverage.py"))


@pytest.mark.slow
@pytest.mark.parametrize("units", [3, 4, 5])
@pytest.mark.parametrize("spread", [(10.0, 1.0), (1.0, 1.0), (1.0, 10.0)])
def test_intervals_hold_the_truth_as_often_as_they_promise(units: int, spread: tuple[float, float]) -> None:
    """A share of 0.95 of 2,000 draws has a standard error of 0.005."""
    ours, _, _ = SCRIPT["coverage"](units, spread, draws=2000)
    assert ours > 0.935


@pytest.mark.slow
@pytest.mark.parametrize("spread", [(10.0, 1.0), (1.0, 1.0), (1.0, 10.0)])
def test_all_looks_of_a_claim_together_err_as_seldom_as_one_interval(spread: tuple[float, float]) -> None:
    uncorrected, corrected = SCRIPT["looks"](spread, draws=2000)
    assert corrected < 0.065
    assert uncorrected > corrected


@pytest.mark.slow
@pytest.mark.parametrize("runs", [(2, 2, 1), (5, 1, 1)])
def test_subsamples_of_unequal_numbers_of_runs_cost_no_coverage(runs: tuple[int, ...]) -> None:
    ours, cluster_robust = SCRIPT["unequal_coverage"](runs, (3.0, 1.0), draws=2000)
    assert ours > 0.935
    assert cluster_robust < ours
