"""What things are called, and which scores are the main ones."""

import pytest

from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.results.display_names import (
    less_is_better,
    main_metrics,
    of_method,
    of_method_briefly,
    of_metric,
    of_model,
    of_task,
    within_scale,
)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (of_model("gpt2_medium"), "GPT-2 Medium"),
        (of_model("mine"), "mine"),
        (of_model("smollm2_135m_first10"), "SmolLM2-135M, first 10 layers"),
        (of_model("mine_first"), "mine_first"),
        (of_method("prefix_flat"), "prefix-tuning without MLP"),
        (of_method("sota"), "best before"),
        (of_method("of_a_later_version"), "of_a_later_version"),
        (of_method_briefly("finetune_top"), "top 2 layers"),
        (of_method_briefly("prefix"), "prefix"),
        (of_task("xsum_within_news"), "XSUM, within news"),
        (of_metric("ROUGE_L"), "ROUGE-L"),
        (of_metric("BLEU/seen"), "BLEU seen"),
    ],
)
def test_names_of_a_reader(shown: str, expected: str) -> None:
    assert shown == expected


def test_no_two_methods_share_a_name_colour_or_marker() -> None:
    for attribute in ("label", "colour", "marker"):
        values = [getattr(spec, attribute) for spec in METHOD_SPECS.values()]
        assert len(set(values)) == len(values), attribute


def test_errors_are_better_when_there_are_fewer() -> None:
    assert [less_is_better(name) for name in ("TER", "TER/seen", "SLOT_ERROR", "BLEU", "COVERAGE")] == [
        *(True, True, True),
        *(False, False),
    ]


def test_main_metrics_of_an_unknown_task_are_the_first_of_its_scores() -> None:
    assert main_metrics("e2e", {}) == ("BLEU", "ROUGE_L")
    assert main_metrics("mine", {"chrF": 1, "BLEU": 2}) == ("BLEU",)
    assert main_metrics("mine", {}) == ()


@pytest.mark.parametrize(
    ("metric", "ends"),
    [("BLEU/unseen", (0.0, 100.0)), ("TER", (0.0, 120.0)), ("BLEURT", (-5.0, 120.0)), ("SLOT_ERROR", (0.0, 120.0))],
)
def test_ends_of_intervals_stay_where_a_score_can_be(metric: str, ends: tuple[float, float]) -> None:
    assert within_scale(metric, -5.0, 120.0) == ends
    assert within_scale(metric, 20.0, 30.0) == (20.0, 30.0)
