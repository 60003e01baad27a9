"""Which run groups the figures show."""

from pathlib import Path

import pytest

from prefixrun.analysis.curves import figures
from prefixrun.analysis.figure_types import Figure
from prefixrun.errors import DataError
from synthetic_records import groups_in, write_record


def found(directory: Path, kind: str) -> list[Figure]:
    return [figure for figure in figures(groups_in(directory)) if figure.kind == kind]


def test_low_data_has_a_curve_for_each_method_and_start(tmp_path: Path) -> None:
    for size in (50, 100, 200):
        write_record(tmp_path, settings={"train_size": size})
        write_record(tmp_path, settings={"train_size": size, "init.name": "random"})
        write_record(tmp_path, settings={"train_size": size, "method.name": "finetune"})
    write_record(tmp_path, settings={"train_size": 50, "method.name": "lora"})  # one place is no curve
    (figure,) = found(tmp_path, "low_data")
    assert [curve.label for curve in figure.curves] == [
        "prefix-tuning, random",
        "prefix-tuning, words",
        "fine-tuning",
    ]
    assert [curve.dashed for curve in figure.curves] == [True, False, False]
    assert [[x for x, _ in curve.points] for curve in figure.curves] == [[50.0, 100.0, 200.0]] * 3
    assert figure.metrics == ("BLEU", "ROUGE_L")
    assert figure.name == "low_data-e2e-smollm2_135m"


def test_runs_without_scores_make_no_figure(tmp_path: Path) -> None:
    unknown = {"value": None, "signature": "s", "reason": "too short"}
    for number, settings in enumerate(({}, {"prefix_len": 1}, {"method.name": "lora"}, {"method.name": "finetune"})):
        scores = {"BLEU": unknown, "ROUGE_L": unknown}
        write_record(tmp_path / "none", settings=settings, result={"scores": scores}, with_stats=False)
        scored = {"scores": scores} if number == 1 else {}
        write_record(tmp_path / "some", settings=settings, result=scored, with_stats=False)
    assert figures(groups_in(tmp_path / "none")) == []
    assert [figure.kind for figure in figures(groups_in(tmp_path / "some"))] == ["pareto"]


def test_prefix_lengths_are_compared_at_equal_data(tmp_path: Path) -> None:
    for length in (1, 5, 10):
        write_record(tmp_path, settings={"prefix_len": length, "train_size": 500})
        write_record(tmp_path, settings={"prefix_len": length})
    assert [figure.name for figure in found(tmp_path, "prefix_length")] == [
        "prefix_length-e2e-smollm2_135m-42061",
        "prefix_length-e2e-smollm2_135m-500",
    ]


def test_figures_of_other_parts_or_inputs_do_not_take_each_others_place(tmp_path: Path) -> None:
    files = [{"name": "test", "records": 1, "sha256": "2" * 64}]
    for size in (50, 100):
        write_record(tmp_path, settings={"train_size": size})
        write_record(tmp_path, settings={"train_size": size, "seed": 2}, result={"split": "dev"})
        write_record(tmp_path, settings={"train_size": size, "seed": 3}, result={"data": {"test": {"files": files}}})
    assert sorted(figure.name for figure in found(tmp_path, "low_data")) == [
        "low_data-e2e-dev-smollm2_135m",
        "low_data-e2e-smollm2_135m",
        "low_data-e2e-smollm2_135m-2",
    ]


def test_a_curve_of_lengths_differs_in_length_alone(tmp_path: Path) -> None:
    for length, rate in ((1, 1e-3), (40, 1e-3), (10, 5e-2)):
        write_record(tmp_path, settings={"prefix_len": length, "train.lr": rate})
    (figure,) = found(tmp_path, "prefix_length")
    assert [x for x, _ in figure.curves[0].points] == [1.0, 40.0]


def test_shares_of_the_data_are_per_cent(tmp_path: Path) -> None:
    for share in (0.1, 0.2, 1.0):
        write_record(tmp_path, settings={"data_fraction": share})
    (figure,) = found(tmp_path, "data_fraction")
    assert [x for x, _ in figure.curves[0].points] == [10.0, 20.0, 100.0]


def test_starts_are_compared_at_equal_data_with_random_first(tmp_path: Path) -> None:
    for words in ("elephant", "active"):
        write_record(tmp_path, settings={"train_size": 100, "init_words": words})
    assert found(tmp_path, "initialisation") == []
    write_record(tmp_path, settings={"train_size": 100, "init.name": "random"})
    (figure,) = found(tmp_path, "initialisation")
    assert [curve.label for curve in figure.curves] == ["random", "“active”", "“elephant”"]


def test_costs_are_shown_for_three_methods_at_the_most_data(tmp_path: Path) -> None:
    for method in ("prefix", "finetune", "adapter"):
        write_record(tmp_path, settings={"method.name": method})
        write_record(tmp_path, settings={"method.name": method, "train_size": 50})
    (figure,) = found(tmp_path, "pareto")
    assert figure.name == "pareto-e2e-smollm2_135m-42061"
    assert [curve.method for curve in figure.curves] == ["prefix", "finetune", "adapter"]


def test_a_method_has_one_mark_for_each_share_of_parameters_at_the_usual_length_and_start(tmp_path: Path) -> None:
    for length in (1, 5):
        write_record(tmp_path, settings={"prefix_len": length})
    write_record(tmp_path, settings={"init.name": "random"})
    write_record(tmp_path, settings={"method.name": "finetune"})
    for stored in (115_200, 4_029_690):
        write_record(tmp_path, settings={"method.name": "adapter", "method.mid_dim": stored}, stored=stored)
    (figure,) = found(tmp_path, "pareto")
    assert [(curve.label, curve.beside, curve.first.first.prefix_len) for curve in figure.curves] == [
        ("prefix-tuning", "", 5),
        ("fine-tuning", "", None),
        ("adapter", "0.086 %", None),
        ("adapter", "3 %", None),
    ]
    assert "2 others are not shown" in figure.caption


def test_of_two_settings_at_one_point_that_of_the_lower_development_loss_is_shown_and_the_other_counted(
    tmp_path: Path,
) -> None:
    """Neither the one with more runs nor the one with the higher score."""
    for loss, rate, seeds in ((1.3, 1e-3, (1, 2)), (1.2, 3e-3, (1,)), (1.4, 1e-2, (1, 2))):
        training = {"history": [{"step": 100, "train_loss": 1.5, "dev_loss": loss}], "fit_error": None}
        for size, seed in ((size, seed) for size in (50, 100) for seed in seeds):
            settings = {"train_size": size, "train.lr": rate, "seed": seed}
            write_record(tmp_path, settings=settings, quality=loss / 2, result={"training": training})
    (figure,) = found(tmp_path, "low_data")
    assert [group.dev_loss for _, group in figure.curves[0].points] == [1.2, 1.2]
    assert "Settings of the lowest development loss; 4 others are not shown" in figure.caption
    assert "Each mark is one run" in figure.caption


def test_number_formats_and_amounts_of_training_have_figures_of_their_own(tmp_path: Path) -> None:
    for method in ("prefix", "finetune", "adapter"):
        for steps, precision in ((100, "fp32"), (400, "fp32"), (100, "bf16")):
            settings = {"method.name": method, "train.max_steps": steps, "precision": precision}
            write_record(tmp_path, settings=settings)
    assert [(figure.name, figure.title.rpartition("SmolLM2-135M, ")[2]) for figure in found(tmp_path, "pareto")] == [
        ("pareto-e2e-smollm2_135m-1600of42061-bf16", "1,600 of 42,061 pairs, bf16"),
        ("pareto-e2e-smollm2_135m-1600of42061", "1,600 of 42,061 pairs"),
        ("pareto-e2e-smollm2_135m-6400of42061", "6,400 of 42,061 pairs"),
    ]


def test_corpora_have_figures_of_their_own(tmp_path: Path) -> None:
    for source in ("release", "sample"):
        for size in (50, 100):
            write_record(tmp_path, settings={"train_size": size}, data_source=source)
    assert sorted(figure.name for figure in found(tmp_path, "low_data")) == [
        "low_data-e2e-smollm2_135m",
        "low_data-e2e-smollm2_135m-sample",
    ]
    assert any("sample corpus" in figure.title for figure in found(tmp_path, "low_data"))


def test_scores_with_different_signatures_are_refused(tmp_path: Path) -> None:
    write_record(tmp_path, settings={"train_size": 50})
    other = {"BLEU": {"value": 1.0, "signature": "other:2", "reason": None}}
    write_record(tmp_path, settings={"train_size": 100}, result={"scores": other})
    with pytest.raises(DataError, match="2 signatures"):
        found(tmp_path, "low_data")
