"""Figures are drawn in both forms."""

import itertools
from pathlib import Path

import pytest

from prefixrun.analysis.curves import figures
from prefixrun.analysis.plots import _aside, draw
from synthetic_records import groups_in, write_record


def test_every_kind_of_figure_is_drawn_in_both_forms(tree: Path) -> None:
    found = figures(groups_in(tree))
    kinds = ["low_data", "prefix_length", "initialisation", "data_fraction", "pareto"]
    assert sorted({each.kind for each in found}) == sorted(kinds)
    for each in found:
        drawn = draw(each)
        assert drawn["png"].startswith(b"\x89PNG")
        assert b"<svg" in drawn["svg"]
        assert b"<dc:date>" not in drawn["svg"]
        assert "n = 3 runs" in each.caption


def test_a_cost_that_no_run_measured_has_no_panel(tmp_path: Path) -> None:
    costs = {"train_seconds": 60.0, "train_tokens": 1, "decode_seconds": 1.0, "peak_memory_bytes": None}
    for method in ("prefix", "finetune", "adapter"):
        write_record(tmp_path, settings={"method.name": method}, result={"costs": costs})
    (figure,) = figures(groups_in(tmp_path))
    svg = draw(figure)["svg"]
    assert b"<!-- peak memory (GiB) -->" not in svg
    assert b"<!-- training time (min) -->" in svg
    assert b"<!-- fine-tuning -->" in svg, "the legend is of a panel that has marks"


def test_marks_of_one_method_share_an_entry_of_the_legend_and_have_their_share_beside_them(tmp_path: Path) -> None:
    for stored in (115_200, 4_029_690):
        write_record(tmp_path, settings={"method.name": "adapter", "method.mid_dim": stored}, stored=stored)
    for method in ("finetune", "infix"):
        write_record(tmp_path, settings={"method.name": method})
    (figure,) = [each for each in figures(groups_in(tmp_path)) if each.kind == "pareto"]
    svg = draw(figure)["svg"].decode()
    assert svg.count("<!-- adapter -->") == 1
    assert svg.count("<!-- 3 % -->") >= 3, "a mark in each panel"
    assert "Prefix" not in svg, "the title stands beside the picture"


def test_the_papers_marks_and_the_curves_share_one_axis(tmp_path: Path) -> None:
    """Lengths of 10 to 40 alone are drawn evenly, with the paper's 5 by their logarithms."""
    for length in (10, 20, 40):
        for method in ("prefix", "prefix_flat"):
            write_record(tmp_path, settings={"prefix_len": length, "method.name": method})
    (figure,) = [each for each in figures(groups_in(tmp_path)) if each.kind == "prefix_length"]
    assert {mark.x for mark in figure.paper} == {5.0}
    assert [abs(aside) < 0.1 for aside in _aside(figure)] == [True, True]


def test_the_paper_is_beside_the_curve_at_its_length(tmp_path: Path) -> None:
    for length in (1, 5, 10):
        write_record(tmp_path, settings={"prefix_len": length})
    (figure,) = [each for each in figures(groups_in(tmp_path)) if each.kind == "prefix_length"]
    svg = draw(figure)["svg"].decode()
    assert svg.count("<!-- paper -->") == 2, "one text in each panel"


@pytest.mark.parametrize("kind", ["initialisation", "low_data"])
def test_words_of_an_initialisation_are_drawn_as_they_are(tmp_path: Path, kind: str) -> None:
    """A dollar sign began mathematics: half a formula ended the command, a whole one was drawn as one."""
    for words, size in itertools.product(("price $5# or $6", "costs $5 and takes $6"), (50, 100)):
        write_record(tmp_path, settings={"init_words": words, "train_size": size})
    write_record(tmp_path, settings={"init.name": "random", "train_size": 100})
    shown = [each for each in figures(groups_in(tmp_path)) if each.kind == kind]
    svg = "".join(draw(each)["svg"].decode() for each in shown)
    assert "costs $5 and takes" in svg
    assert "price $5# or" in svg


def test_shares_of_the_data_keep_their_decimals(tmp_path: Path) -> None:
    for fraction in (0.015, 0.025, 0.125):
        write_record(tmp_path, settings={"data_fraction": fraction})
    (figure,) = [each for each in figures(groups_in(tmp_path)) if each.kind == "data_fraction"]
    svg = draw(figure)["svg"].decode()
    assert all(f"<!-- {tick} -->" in svg for tick in ("1.5", "2.5", "12.5"))
