"""The figure of costs."""

from pathlib import Path

from prefixrun.analysis.cost_plots import measured_costs, width_of
from prefixrun.analysis.curves import figures
from prefixrun.analysis.figure_types import Figure
from prefixrun.analysis.plots import draw
from synthetic_records import groups_in, write_record


def figure_of_costs(directory: Path, *, sample: bool = False) -> Figure:
    source = {"data_source": "sample"} if sample else {}
    for method in ("prefix", "finetune", "adapter"):
        write_record(directory, settings={"method.name": method}, result=source)
    (figure,) = [each for each in figures(groups_in(directory)) if each.kind == "pareto"]
    return figure


def test_the_papers_scores_have_a_panel_of_half_a_width(tmp_path: Path) -> None:
    figure = figure_of_costs(tmp_path)
    assert width_of(figure) == len(measured_costs(figure)) + 0.5
    assert b"<!-- paper: GPT-2 Medium -->" in draw(figure)["svg"]


def test_without_scores_of_the_paper_there_is_no_panel(tmp_path: Path) -> None:
    figure = figure_of_costs(tmp_path, sample=True)
    assert width_of(figure) == len(measured_costs(figure))
    assert b"<!-- paper" not in draw(figure)["svg"]
