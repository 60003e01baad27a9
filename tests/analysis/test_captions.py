"""What captions say is to be seen."""

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
