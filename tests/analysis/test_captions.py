"""What captions say is to be seen."""

import json
from pathlib import Path

from prefixrun.analysis.curves import figures
from prefixrun.analysis.figure_types import Kind
from synthetic_records import groups_in, write_record, write_runs


def captions(directory: Path, kind: Kind) -> list[str]:
    return [figure.caption for figure in figures(groups_in(directory)) if figure.kind == kind]


def test_a_curve_of_lengths_names_the_best_and_the_worst(tmp_path: Path) -> None:
    for length, quality in ((1, 0.4), (10, 0.8), (40, 0.2)):
        write_record(tmp_path, settings={"prefix_len": length}, quality=quality)
    (text,) = captions(tmp_path, "prefix_length")
    scores = {group.first.prefix_len: group.values("BLEU")[0] for group in groups_in(tmp_path)}
    worst = min(scores, key=lambda length: scores[length])
    assert max(scores, key=lambda length: scores[length]) == 10
    assert text.startswith(f"Best BLEU at length 10 ({scores[10]:.1f}), worst at length {worst} (")
    assert "Each mark is one run, which says nothing of the spread between seeds." in text
    assert "60 test inputs, beam 5. Open marks beside “paper”: the paper's numbers for GPT-2 Medium" in text


def test_low_data_says_who_leads_at_both_ends(tmp_path: Path) -> None:
    for size, better in ((50, "prefix"), (500, "finetune")):
        for method in ("prefix", "finetune"):
            quality = 0.8 if method == better else 0.3
            write_runs(tmp_path, method, quality, train_size=size)
    (text,) = captions(tmp_path, "low_data")
    assert text.startswith("Highest BLEU: at 50 pairs prefix-tuning (")
    assert ", at 500 pairs fine-tuning (" in text
    assert (
        "Mean of n = 3 runs (seeds × subsamples); small dots: single runs; lines with ends: its 95 % interval" in text
    )


def test_costs_say_which_corner_is_good(tmp_path: Path) -> None:
    for length in (1, 5):
        write_record(tmp_path, settings={"prefix_len": length}, quality=0.9 if length == 5 else 0.5)
    for method in ("finetune", "infix"):
        write_record(tmp_path, settings={"method.name": method})
    (text,) = captions(tmp_path, "pareto")
    assert text.startswith("Up and to the left is better: more for less. A mark")
    assert "Highest BLEU: prefix-tuning (" in text


def test_starts_are_ranked(tmp_path: Path) -> None:
    for words, quality in (("elephant", 0.9), ("active", 0.2)):
        write_record(tmp_path, settings={"train_size": 100, "init_words": words}, quality=quality)
    write_record(tmp_path, settings={"train_size": 100, "init.name": "random"}, quality=0.5)
    (text,) = captions(tmp_path, "initialisation")
    assert text.startswith("Best BLEU: “elephant” (")
    assert "worst: “active” (" in text


def with_score(directory: Path, value: float) -> None:
    """Give a record this BLEU."""
    result = json.loads((directory / "result.json").read_text("utf-8"))
    result["scores"]["BLEU"]["value"] = value
    (directory / "result.json").write_text(json.dumps(result), "utf-8")


def test_of_equal_scores_none_is_called_the_best(tmp_path: Path) -> None:
    for length, score in ((1, 40.0), (10, 60.04), (40, 59.96)):
        with_score(write_record(tmp_path, settings={"prefix_len": length}), score)
    (text,) = captions(tmp_path, "prefix_length")
    assert text.startswith("Best BLEU at lengths 10 and 40 (60.0), worst at length 1 (40.0). ")


def test_equal_scores_of_all_lengths_have_no_best(tmp_path: Path) -> None:
    for length in (1, 10):
        with_score(write_record(tmp_path, settings={"prefix_len": length}), 100.0)
    (text,) = captions(tmp_path, "prefix_length")
    assert text.startswith("BLEU is 100.0 in all of them. ")


def test_all_methods_of_the_highest_score_are_named_or_counted(tmp_path: Path) -> None:
    for method in ("prefix", "finetune", "infix"):
        with_score(write_record(tmp_path / "three", settings={"method.name": method}), 100.0)
    for method in ("prefix", "finetune", "infix", "embedding"):
        with_score(write_record(tmp_path / "four", settings={"method.name": method}), 100.0)
    (named,), (counted,) = (captions(tmp_path / name, "pareto") for name in ("three", "four"))
    assert "Highest BLEU: prefix-tuning, infix-tuning and fine-tuning (100.0)." in named
    assert "Highest BLEU: prefix-tuning and 3 others (100.0)." in counted


def test_runs_without_the_score_are_not_counted(tmp_path: Path) -> None:
    for length in (1, 10):
        for seed in (1, 2, 3):
            directory = write_record(tmp_path, settings={"prefix_len": length, "seed": seed}, inputs=1)
            if seed == 3:
                result = json.loads((directory / "result.json").read_text("utf-8"))
                result["scores"]["BLEU"] = {"value": None, "signature": "synthetic:1", "reason": "not computed"}
                (directory / "result.json").write_text(json.dumps(result), "utf-8")
    (text,) = captions(tmp_path, "prefix_length")
    assert "Mean of n = 2 runs (seeds × subsamples); small dots: single runs. 1 test input, beam 5." in text


def test_intervals_of_runs_that_share_subsamples_are_said_to_need_three_of_these(tmp_path: Path) -> None:
    for length, draws in ((1, ((1, 1), (2, 2), (3, 3), (4, 4))), (10, ((1, 1), (2, 1), (3, 2)))):
        for seed, subsample in draws:
            settings = {"prefix_len": length, "seed": seed, "subsample_seed": subsample, "train_size": 200}
            write_record(tmp_path, settings=settings)
    (text,) = captions(tmp_path, "prefix_length")
    assert "Mean of n = 3 to 4 runs" in text
    assert "where independent runs or subsamples ≥ 3." in text
