"""Runs of one configuration as groups, their means, and which group is preferred."""

from pathlib import Path

import pytest

from prefixrun.analysis.comparison import estimate
from prefixrun.analysis.group_labels import decoding_text, labels
from prefixrun.analysis.groups import comparable, run_groups, runs_of, split_by
from prefixrun.results.records import load_records
from synthetic_records import groups_in, write_record, write_runs


def test_runs_of_a_group_come_once_for_each_seed_and_subsample(tmp_path: Path) -> None:
    for seed in (2, 1):
        write_record(tmp_path, settings={"seed": seed, "train_size": 50})
        write_record(tmp_path, settings={"seed": seed, "train_size": 50, "subsample_seed": 1})
    write_record(tmp_path, settings={"seed": 1, "train_size": 50, "threads": 8})  # seed 1 once more
    (group,) = groups_in(tmp_path)
    assert [(run.subsample_seed, run.seed) for run in group.runs] == [(0, 1), (0, 2), (1, 1), (1, 2)]


def test_a_subsample_seed_that_draws_nothing_makes_no_repeats(tmp_path: Path) -> None:
    for subsample in range(3):
        write_record(tmp_path, settings={"subsample_seed": subsample})
    (group,) = groups_in(tmp_path)
    assert len(group.runs) == 1


def test_groups_come_in_one_order_whatever_that_of_the_records(tmp_path: Path) -> None:
    for settings in ({"method.name": "lora"}, {"prefix_len": 5}, {"train_size": 50}, {"method.name": "finetune"}):
        write_record(tmp_path, settings=settings)
    records = load_records(tmp_path).runs
    found = [(group.method, group.n_train) for group in run_groups(records)]
    assert found == [("prefix", 42_061), ("prefix", 50), ("finetune", 42_061), ("lora", 42_061)]
    assert [group.first for group in run_groups(records[::-1])] == [group.first for group in run_groups(records)]


def test_a_group_has_means_of_costs_losses_and_scores(tmp_path: Path) -> None:
    for seed, loss in ((1, 1.0), (2, 2.0)):
        history = [{"step": 1, "train_loss": 9.0, "dev_loss": loss}]
        write_record(tmp_path, settings={"seed": seed}, result={"training": {"history": history}})
    (group,) = groups_in(tmp_path)
    assert group.dev_loss == 1.5
    assert group.cost("train_steps") == 100
    mean = group.estimate("BLEU")
    assert mean is not None
    assert mean.mean == pytest.approx(sum(group.values("BLEU")) / 2)
    assert (group.cost("energy"), group.estimate("MAUVE")) == (None, None)


@pytest.mark.parametrize(
    ("settings", "init", "is_default"),
    [
        ({}, "words", True),
        ({"init.name": "random"}, "random", True),
        ({"init_words": "elephant"}, "“elephant”", False),
        ({"init.default_words": "keep"}, "“keep”", False),
        ({"method.name": "finetune"}, None, True),
    ],
)
def test_the_initialisation_of_a_group(
    tmp_path: Path, settings: dict[str, object], init: str | None, is_default: bool
) -> None:
    write_record(tmp_path, settings=settings)
    (group,) = groups_in(tmp_path)
    assert (group.init, group.has_default_init) == (init, is_default)


def test_subsamples_are_the_units_of_a_mean_where_there_are_several(tmp_path: Path) -> None:
    for seed, subsample in ((1, 1), (2, 1), (1, 2), (1, 3)):
        write_record(
            tmp_path,
            settings={"seed": seed, "subsample_seed": subsample, "train_size": 50},
            quality=0.4 + 0.05 * subsample,
        )
    (group,) = groups_in(tmp_path)
    first, second, third, fourth = group.values("BLEU")
    units = [(first + second) / 2, third, fourth]
    assert group.unit_values("BLEU") == pytest.approx(units)
    mean, of_units = group.estimate("BLEU"), estimate(units)
    assert mean is not None
    assert (mean.n, mean.draws) == (4, 3)
    assert (mean.mean, mean.low, mean.high) == pytest.approx((of_units.mean, of_units.low, of_units.high))


def test_groups_are_split_by_what_may_be_compared(tmp_path: Path) -> None:
    for method in ("prefix", "finetune"):
        write_runs(tmp_path, method, 0.5, seeds=[1])
        write_runs(tmp_path, method, 0.5, seeds=[1], train_size=50)
    alike = comparable(groups_in(tmp_path))
    assert [[(group.method, group.n_train) for group in groups] for groups in alike] == [
        [("prefix", 42_061), ("finetune", 42_061)],
        [("prefix", 50), ("finetune", 50)],
    ]
    assert len(runs_of(alike[0])) == 2
    assert split_by([3, 1, 4, 1, 5], lambda number: number % 2) == [[3, 1, 1, 5], [4]]


def test_draws_of_sampled_outputs_are_no_repeats_of_a_training(tmp_path: Path) -> None:
    """Of three draws two were dropped without a word, as if their seed had been run twice."""
    for seed in (1, 2, 3):
        write_record(tmp_path, settings={"decode.sample": True, "decode.beams": 1, "decode.seed": seed})
    groups = groups_in(tmp_path)
    assert [len(group.runs) for group in groups] == [1, 1, 1]
    assert decoding_text(groups[0].first) == "sampling"
    assert len(set(labels(groups).values())) == 3


def test_an_interval_of_a_score_ends_where_the_score_can_be(tmp_path: Path) -> None:
    """Exact matches of 0 to 30 % had an interval from below zero in figures and tables."""
    settings = {"task.name": "majority", "task.metrics": "EM"}
    for seed, value in enumerate((0.0, 4.0, 30.0)):
        scores = {"EM": {"value": value, "signature": "s", "reason": None}}
        write_record(tmp_path, settings={**settings, "seed": seed}, with_stats=False, result={"scores": scores})
    (group,) = groups_in(tmp_path)
    estimated = group.estimate("EM")
    assert estimated is not None
    assert estimated.low == 0.0
    assert estimated.high is not None
    assert estimated.high > 30.0
    assert estimated.half(0.95) == pytest.approx(estimated.high - estimated.mean)  # what claims are judged by stays
