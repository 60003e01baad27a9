"""Figures of the page are those of `prefixrun tables`, as images that cannot touch the rest of it."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from prefixrun.analysis.groups import run_groups
from prefixrun.analysis.html.figures import PageFigure, page_figures
from prefixrun.analysis.publish import publish
from prefixrun.results.records import load_records
from synthetic_records import write_record


def test_two_sizes_make_a_figure(tmp_path: Path) -> None:
    for size in (50, 500):
        write_record(tmp_path, settings={"train_size": size})
    (figure,), problem = page_figures(run_groups(load_records(tmp_path).runs), tmp_path / "figures")
    assert problem == ""
    assert figure.title.startswith("Low data")
    assert figure.caption
    assert "<svg " in unquote(figure.address)


def test_a_published_figure_is_shown_as_it_is_while_it_is_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in (50, 500):
        write_record(tmp_path, settings={"train_size": size})
    publish(load_records(tmp_path).runs, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("prefixrun.analysis.html.figures.draw", None)
        (figure,), _ = page_figures(run_groups(load_records(tmp_path).runs), tmp_path / "figures")
    (path,) = (tmp_path / "figures").glob("*.svg")
    assert unquote(figure.address).endswith(path.read_text(encoding="utf-8"))
    write_record(tmp_path, settings={"train_size": 100})
    (other,), _ = page_figures(run_groups(load_records(tmp_path).runs), tmp_path / "figures")
    assert other.address != figure.address


def test_without_runs_there_is_no_figure(tmp_path: Path) -> None:
    assert page_figures(run_groups(load_records(tmp_path).runs), tmp_path / "figures") == ((), "")


def test_scores_with_different_signatures_are_a_problem_that_is_said(tmp_path: Path) -> None:
    for size, way in ((50, "one"), (500, "other")):
        scores = {"BLEU": {"value": 60.0, "signature": way, "reason": None}}
        write_record(tmp_path, settings={"train_size": size}, result={"scores": scores})
    figures, problem = page_figures(run_groups(load_records(tmp_path).runs), tmp_path / "figures")
    assert figures == ()
    assert "has 2 signatures" in problem


def test_an_address_has_no_character_of_markup_and_all_of_the_figure() -> None:
    svg = """<svg xmlns="http://www.w3.org/2000/svg"><text onclick='x'>100 % ± "#" &amp; – é</text></svg>\n"""
    made = PageFigure("Title", "Caption", svg).address
    assert re.fullmatch(r"data:image/svg\+xml,[\w =:/;,.()!?*$@\n%~-]+", made, re.ASCII)
    assert unquote(made.removeprefix("data:image/svg+xml,")) == svg
