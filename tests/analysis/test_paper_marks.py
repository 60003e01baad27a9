"""The numbers of the paper's tables that stand in figures."""

from pathlib import Path

from prefixrun.analysis.curves import figures
from prefixrun.analysis.figure_types import Figure, PaperMark
from synthetic_records import groups_in, write_record


def found(directory: Path, kind: str) -> list[Figure]:
    return [figure for figure in figures(groups_in(directory)) if figure.kind == kind]


def numbers(marks: tuple[PaperMark, ...]) -> list[tuple[str, float | None, float, str]]:
    return [(mark.method, mark.x, mark.values["BLEU"], mark.beside) for mark in marks]


def test_lengths_stand_where_the_table_has_them(tmp_path: Path) -> None:
    for length in (1, 10):
        write_record(tmp_path, settings={"prefix_len": length})
    (figure,) = found(tmp_path, "prefix_length")
    assert numbers(figure.paper) == [("prefix", 5.0, 70.3, "")]
    assert "the paper's numbers for GPT-2 Medium with all its training; only the order" in figure.caption


def test_beside_costs_stand_the_rows_of_the_methods_and_sizes_that_are_shown(tmp_path: Path) -> None:
    for method in ("prefix", "finetune", "embedding", "prefix_flat"):
        write_record(tmp_path, settings={"method.name": method})
    for stored in (115_200, 4_029_690):
        write_record(tmp_path, settings={"method.name": "adapter", "method.mid_dim": stored}, stored=stored)
    (figure,) = found(tmp_path, "pareto")
    assert numbers(figure.paper) == [
        ("finetune", None, 68.8, ""),
        ("adapter", None, 68.9, "3 %"),
        ("adapter", None, 66.3, "0.1 %"),
        ("prefix", None, 70.3, ""),
        ("embedding", None, 62.2, ""),
    ]


def test_shares_of_the_data_have_the_papers_at_all_of_it(tmp_path: Path) -> None:
    for share in (0.1, 1.0):
        write_record(tmp_path, settings={"data_fraction": share})
    (figure,) = found(tmp_path, "data_fraction")
    assert numbers(figure.paper) == [("prefix", 100.0, 70.3, "")]


def test_nothing_of_the_paper_stands_beside_the_sample_corpus_or_in_figures_without_a_table(tmp_path: Path) -> None:
    for length in (1, 5):
        write_record(tmp_path / "sample", settings={"prefix_len": length}, result={"data_source": "sample"})
    (figure,) = found(tmp_path / "sample", "prefix_length")
    assert (figure.paper, "paper" in figure.caption) == ((), False)
    for size in (50, 100):
        write_record(tmp_path / "low", settings={"train_size": size})
    assert all(figure.paper == () for figure in found(tmp_path / "low", "low_data"))
