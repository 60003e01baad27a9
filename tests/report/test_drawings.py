"""Figures of the page are those of `prefixrun tables`."""

from pathlib import Path

from synthetic_records import write_record

from prefixrun.points import points
from prefixrun.records import load_records
from prefixrun.report.drawings import drawings


def test_two_sizes_make_a_figure(tmp_path: Path) -> None:
    for size in (50, 500):
        write_record(tmp_path, settings={"train_size": size})
    (figure,), problem = drawings(points(load_records(tmp_path).found))
    assert problem == ""
    assert figure.title.startswith("Low data")
    assert figure.caption
    assert figure.svg.startswith("<svg ")
    assert "<style" not in figure.svg


def test_without_runs_there_is_no_figure(tmp_path: Path) -> None:
    assert drawings(points(load_records(tmp_path).found)) == ((), "")


def test_scores_made_in_two_ways_are_a_problem_that_is_said(tmp_path: Path) -> None:
    for size, way in ((50, "one"), (500, "other")):
        scores = {"BLEU": {"value": 60.0, "signature": way, "reason": None}}
        write_record(tmp_path, settings={"train_size": size}, result={"scores": scores})
    figures, problem = drawings(points(load_records(tmp_path).found))
    assert figures == ()
    assert "made in 2 ways" in problem
