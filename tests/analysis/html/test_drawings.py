"""Figures of the page are those of `prefixrun tables`."""

from pathlib import Path

import pytest

from prefixrun.analysis.groups import run_groups
from prefixrun.analysis.html.drawings import drawings
from prefixrun.analysis.publish import publish
from prefixrun.results.records import load_records
from synthetic_records import write_record


def test_two_sizes_make_a_figure(tmp_path: Path) -> None:
    for size in (50, 500):
        write_record(tmp_path, settings={"train_size": size})
    (figure,), problem = drawings(run_groups(load_records(tmp_path).runs), tmp_path / "figures")
    assert problem == ""
    assert figure.title.startswith("Low data")
    assert figure.caption
    assert figure.svg.startswith("<svg ")
    assert "<style" not in figure.svg


def test_a_published_figure_is_shown_as_it_is_while_it_is_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in (50, 500):
        write_record(tmp_path, settings={"train_size": size})
    publish(load_records(tmp_path).runs, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("prefixrun.analysis.html.drawings.draw_svg", None)
        (figure,), _ = drawings(run_groups(load_records(tmp_path).runs), tmp_path / "figures")
    assert figure.svg.startswith("<svg ")
    write_record(tmp_path, settings={"train_size": 100})
    (other,), _ = drawings(run_groups(load_records(tmp_path).runs), tmp_path / "figures")
    assert other.svg != figure.svg


def test_without_runs_there_is_no_figure(tmp_path: Path) -> None:
    assert drawings(run_groups(load_records(tmp_path).runs), tmp_path / "figures") == ((), "")


def test_scores_with_different_signatures_are_a_problem_that_is_said(tmp_path: Path) -> None:
    for size, way in ((50, "one"), (500, "other")):
        scores = {"BLEU": {"value": 60.0, "signature": way, "reason": None}}
        write_record(tmp_path, settings={"train_size": size}, result={"scores": scores})
    figures, problem = drawings(run_groups(load_records(tmp_path).runs), tmp_path / "figures")
    assert figures == ()
    assert "has 2 signatures" in problem
