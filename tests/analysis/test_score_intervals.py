"""Intervals of scores."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prefixrun.analysis.comparison import influence, quantile
from prefixrun.analysis.score_intervals import score_interval
from prefixrun.results.records import load_records
from synthetic_records import write_record


def test_one_run_has_an_interval_over_its_inputs(tmp_path: Path) -> None:
    write_record(tmp_path)
    runs = load_records(tmp_path).runs
    found, known = score_interval(runs, "BLEU"), influence(runs[0], "BLEU")
    assert found is not None
    assert known is not None
    half = 1.959964 * float(np.sqrt(np.sum(known[1] ** 2)))
    assert (found.mean, found.over) == (runs[0].value("BLEU"), "inputs")
    assert (found.low, found.high) == (pytest.approx(found.mean - half), pytest.approx(found.mean + half))


def test_three_runs_have_one_over_both_that_is_no_narrower_than_over_runs(tmp_path: Path) -> None:
    for seed, quality in enumerate((0.4, 0.5, 0.7)):
        write_record(tmp_path, settings={"seed": seed}, quality=quality)
    runs = load_records(tmp_path).runs
    found = score_interval(runs, "BLEU")
    values = [run.value("BLEU") or 0.0 for run in runs]
    assert found is not None
    assert found.over == "runs and inputs"
    assert found.high - found.mean >= quantile(2) * float(np.std(values, ddof=1)) / 3**0.5


def test_what_nothing_is_known_of_has_none(tmp_path: Path) -> None:
    write_record(tmp_path, with_stats=False)
    runs = load_records(tmp_path).runs
    assert score_interval(runs, "BLEU") is None
    assert score_interval(runs, "NO_SUCH_SCORE") is None


@pytest.mark.parametrize("wrong", [0, 10])
def test_inputs_that_all_agree_tell_nothing_of_others(tmp_path: Path, wrong: int) -> None:
    """200 right answers of 200 had an interval without a width."""
    settings = {"task.name": "majority", "task.metrics": "EM"}
    result = {"scores": {"EM": {"value": 100.0 - wrong / 2, "signature": "s"}}}
    directory = write_record(tmp_path, settings=settings, with_stats=False, result=result)
    matches = [float(n >= wrong) for n in range(200)]
    counts = pd.DataFrame({"id": [f"test-{n}" for n in range(200)], "EM.matches": matches, "EM.outputs": 1.0})
    counts.to_parquet(directory / "stats.parquet")
    assert (score_interval(load_records(tmp_path).runs, "EM") is not None) == (wrong > 0)


def of_exact_matches(directory: Path, values: tuple[float, ...]) -> None:
    settings = {"task.name": "majority", "task.metrics": "EM"}
    for seed, value in enumerate(values):
        result = {"scores": {"EM": {"value": value, "signature": "s", "reason": None}}}
        write_record(directory, settings={**settings, "seed": seed}, with_stats=False, result=result)


@pytest.mark.parametrize(("values", "ends"), [((0.0, 4.0, 30.0), (0.0, None)), ((100.0, 96.0, 70.0), (None, 100.0))])
def test_no_interval_leaves_the_scale(
    tmp_path: Path, values: tuple[float, ...], ends: tuple[float | None, float | None]
) -> None:
    """Three runs of 0 to 30 % exact matches had an interval from -29 %."""
    of_exact_matches(tmp_path, values)
    found = score_interval(load_records(tmp_path).runs, "EM")
    assert found is not None
    assert [end for end in (found.low, found.high) if end in (0.0, 100.0)] == [end for end in ends if end is not None]


def test_runs_that_all_agree_at_an_end_tell_nothing_of_others(tmp_path: Path) -> None:
    of_exact_matches(tmp_path, (100.0, 100.0, 100.0))
    assert score_interval(load_records(tmp_path).runs, "EM") is None
