"""Estimates over seeds, paired differences over seeds and inputs, and correction for many tests."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats as distributions

from prefixrun.analysis.comparison import difference, estimate, holm, influence
from prefixrun.metrics.resampling import intervals
from prefixrun.results.record import Record
from prefixrun.results.records import load_records
from synthetic_records import write_record


def test_the_interval_of_a_score_ends_where_the_score_does() -> None:
    values = [0.0, 1.0, 5.0]
    as_numbers, as_score = estimate(values), estimate(values, score="EM")
    assert as_numbers.low is not None
    assert as_numbers.low < 0.0
    assert (as_score.low, as_score.high) == (0.0, as_numbers.high)


def test_one_run_has_a_mean_and_no_interval() -> None:
    assert estimate([3.0]) == type(estimate([3.0]))(3.0, 1, 1, None, None, None)


def test_the_interval_is_students() -> None:
    values = [68.0, 69.0, 71.0]
    found = estimate(values)
    expected = distributions.t.interval(0.95, 2, loc=np.mean(values), scale=distributions.sem(values))
    assert (found.mean, found.n, found.sd) == (pytest.approx(69.333333), 3, pytest.approx(1.527525))
    assert (found.low, found.high) == pytest.approx(expected)


def test_runs_of_one_subsample_are_not_independent() -> None:
    """Balanced, the interval is Student's over the means of the subsamples."""
    values, subsamples = [60.0, 62.0, 66.0, 64.0, 69.0, 71.0], [1, 1, 2, 2, 3, 3]
    found, of_means = estimate(values, subsamples), estimate([61.0, 65.0, 70.0])
    assert (found.n, found.draws, of_means.draws) == (6, 3, 3)
    assert (found.mean, found.low, found.high) == pytest.approx((of_means.mean, of_means.low, of_means.high))
    assert estimate(values, [0] * 6) == estimate(values), "one subsample: seeds are what varies"


def test_intervals_cover_what_they_promise_with_repeated_subsamples() -> None:
    generator = np.random.default_rng(7)
    covered = 0
    for _ in range(2000):
        values = np.repeat(generator.normal(0, 1, 5), 2) + generator.normal(0, 0.5, 10)
        found = estimate(values.tolist(), [i // 2 for i in range(10)])
        assert found.low is not None
        assert found.high is not None
        covered += found.low < 0 < found.high
    assert 0.93 < covered / 2000 < 0.97


def test_nothing_cannot_be_averaged() -> None:
    with pytest.raises(ValueError, match="nothing"):
        estimate([])


def test_holm_multiplies_the_smallest_most_and_stays_ordered() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def group(directory: Path, method: str, quality: float, seeds: range, **more: object) -> list[Record]:
    for seed in seeds:
        write_record(directory, settings={"method.name": method, "seed": seed}, quality=quality, **more)  # type: ignore[arg-type]
    found = [record for record in load_records(directory).runs if record.method == method]
    return sorted(found, key=lambda each: each.seed)


def test_a_clear_difference_is_found_over_seeds_and_inputs(tmp_path: Path) -> None:
    first, second = group(tmp_path, "finetune", 0.35, range(4)), group(tmp_path, "prefix", 0.6, range(4))
    found = difference(first, second, "BLEU")
    assert found is not None
    assert found.paired
    assert (found.n, found.note) == (4, "")
    assert found.mean == pytest.approx(
        np.mean([each.value("BLEU") for each in second]) - np.mean([each.value("BLEU") for each in first])
    )
    assert found.low is not None
    assert found.low > 0
    assert found.p_value is not None
    assert found.p_value < 0.05


def test_inputs_widen_the_interval_of_seeds(tmp_path: Path) -> None:
    arms = [group(tmp_path / "with", method, 0.5, range(3)) for method in ("finetune", "prefix")]
    bare = [group(tmp_path / "without", m, 0.5, range(3), with_stats=False) for m in ("finetune", "prefix")]
    both, seeds = difference(*arms, "BLEU"), difference(*bare, "BLEU")
    assert both is not None
    assert seeds is not None
    assert both.mean == seeds.mean
    assert both.note == ""
    assert seeds.note == "of seeds alone: no counts to tell what inputs do"
    values = [[each.value("BLEU") for each in arm] for arm in bare]
    assert seeds.p_value == pytest.approx(distributions.ttest_rel(values[1], values[0]).pvalue)


def test_runs_without_common_seeds_are_compared_unpaired(tmp_path: Path) -> None:
    first = group(tmp_path, "finetune", 0.5, range(3), with_stats=False)
    second = group(tmp_path, "prefix", 0.5, range(10, 14), with_stats=False)
    found = difference(first, second, "BLEU")
    assert found is not None
    assert not found.paired
    values = [[each.value("BLEU") for each in arm] for arm in (first, second)]
    assert found.p_value == pytest.approx(distributions.ttest_ind(values[1], values[0], equal_var=False).pvalue)


def test_a_single_run_looks_no_more_certain_than_several(tmp_path: Path) -> None:
    """It once had the inputs' variance alone: one run of a setting was significant where its three runs were not."""
    first = group(tmp_path, "finetune", 0.5, range(3), with_stats=False)
    second = group(tmp_path, "prefix", 0.5, range(10, 11), with_stats=False)
    found = difference(first, second, "BLEU")
    assert found is not None
    values = [[each.value("BLEU") for each in arm] for arm in (first, second)]
    assert found.p_value == pytest.approx(distributions.ttest_ind(values[1], values[0], equal_var=True).pvalue)
    assert "with the spread between the runs of one side taken for both: the other has one run" in found.note
    with_inputs = difference(
        *(group(tmp_path / "counts", m, 0.5, s) for m, s in (("finetune", range(3)), ("prefix", range(10, 11)))), "BLEU"
    )
    assert with_inputs is not None
    assert with_inputs.half(0.95) > found.half(0.95)


@pytest.mark.parametrize(
    ("seeds", "first", "second", "has_interval", "note"),
    [
        ((4, 4), {}, {}, True, ""),
        ((1, 1), {}, {}, True, "of inputs alone: one run says nothing about seeds"),
        ((1, 1), {}, {"with_stats": False}, False, "one run, and no counts to tell what inputs do: no interval"),
        ((1, 1), {}, {"inputs": 50}, False, "one run, and their inputs are not the same: no interval"),
        ((3, 3), {}, {"inputs": 50}, True, "of seeds alone: their inputs are not the same"),
        ((3, 2), {}, {}, True, "over the 2 pairs of equal seeds; from 2 independent draws, too few to trust"),
    ],
)
def test_what_an_interval_does_not_cover_is_noted(
    tmp_path: Path,
    seeds: tuple[int, int],
    first: dict[str, Any],
    second: dict[str, Any],
    has_interval: bool,
    note: str,
) -> None:
    of_arms = zip(("finetune", "prefix"), seeds, (first, second), strict=True)
    arms = [group(tmp_path, method, 0.5, range(count), **options) for method, count, options in of_arms]
    found = difference(*arms, "BLEU")
    assert found is not None
    assert (found.n, found.draws) == (min(seeds), min(seeds))
    assert (found.low is not None, found.p_value is not None) == (has_interval, has_interval)
    assert found.note == note


def test_a_part_of_the_inputs_is_drawn_by_itself(tmp_path: Path) -> None:
    for method, seed in ((m, s) for m in ("finetune", "prefix") for s in range(3)):
        write_record(tmp_path, settings={"task.name": "webnlg", "method.name": method, "seed": seed})
    found = load_records(tmp_path).runs
    arms = [[each for each in found if each.method == method] for method in ("finetune", "prefix")]
    unseen = difference(*arms, "BLEU/unseen")
    assert unseen is not None
    assert unseen.draws >= 3
    assert unseen.note == ""
    assert unseen != difference(*arms, "BLEU/seen")


def test_a_metric_that_one_arm_lacks_gives_nothing(tmp_path: Path) -> None:
    arms = [group(tmp_path, method, 0.5, range(2)) for method in ("finetune", "prefix")]
    assert difference(*arms, "METEOR") is None


def test_equal_methods_are_told_apart_no_more_often_than_promised(tmp_path: Path) -> None:
    """400 comparisons of two draws from the same distribution, with variation between runs and between inputs."""
    runs = group(tmp_path, "prefix", 0.5, range(40))
    generator = np.random.default_rng(5)
    p_values = []
    for _ in range(400):
        chosen = generator.permutation(40)[:8]
        arms = ([runs[i] for i in chosen[:4]], [runs[i] for i in chosen[4:]])
        found = difference(*arms, "ROUGE_L")
        assert found is not None
        assert found.p_value is not None
        p_values.append(found.p_value)
    assert 0.005 < np.mean(np.array(p_values) < 0.05) < 0.07


@pytest.mark.parametrize(("task", "metric"), [("e2e", "BLEU"), ("e2e", "ROUGE_L"), ("webnlg", "TER/unseen")])
def test_what_inputs_add_has_the_variance_of_the_bootstrap(tmp_path: Path, task: str, metric: str) -> None:
    write_record(tmp_path, settings={"task.name": task}, inputs=300)
    (record,) = load_records(tmp_path).runs
    counts, found = record.stats(), influence(record, metric)
    assert counts is not None
    assert found is not None
    interval = intervals(task, counts.columns, counts.groups, samples=2000)[metric]
    sd = (interval.high - interval.low) / (2 * 1.96)
    assert np.sqrt(np.sum(found[1] ** 2)) == pytest.approx(sd, rel=0.1)


@pytest.mark.parametrize(("inputs", "has_interval"), [(19, False), (20, True)])
def test_one_run_a_side_on_few_inputs_has_no_interval(tmp_path: Path, inputs: int, has_interval: bool) -> None:
    for method, quality in (("prefix", 0.7), ("finetune", 0.3)):
        write_record(tmp_path, settings={"method.name": method}, quality=quality, inputs=inputs)
    finetune, prefix = load_records(tmp_path).runs
    found = difference([finetune], [prefix], "BLEU")
    assert found is not None
    assert (found.low is not None, found.p_value is not None) == (has_interval, has_interval)
    assert ("fewer than 20 inputs: no interval" in found.note) is not has_interval


def test_seeds_of_one_subsample_beside_several_subsamples_are_noted(tmp_path: Path) -> None:
    """Their spread says nothing of other subsamples, and is added to one that does."""
    for number in range(1, 5):
        for method, seed, subsample in (("prefix", number, 1), ("finetune", 9, number)):
            settings = {"method.name": method, "seed": seed, "subsample_seed": subsample, "train_size": 50}
            write_record(tmp_path, settings=settings)
    arms = {
        method: [run for run in load_records(tmp_path).runs if run.method == method]
        for method in ("prefix", "finetune")
    }
    found = difference(arms["finetune"], arms["prefix"], "BLEU")
    alike = difference(arms["finetune"], arms["finetune"], "BLEU")
    assert found is not None
    assert alike is not None
    assert found.note == "with one side of a single subsample, whose spread is that of seeds alone"
    assert alike.note == ""
