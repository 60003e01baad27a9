"""The figure of costs."""

from pathlib import Path

import pytest

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


NO_SCORE = {"value": None, "signature": "s", "reason": "too short"}
NO_COSTS = dict.fromkeys(("train_seconds", "train_tokens", "decode_seconds", "peak_memory_bytes"))


@pytest.mark.parametrize(
    ("stored", "costs"), [(115_200, NO_COSTS), (0, None), (0, NO_COSTS)], ids=["time", "size", "both"]
)
def test_a_panel_whose_cost_no_mark_has_is_empty(tmp_path: Path, stored: int, costs: dict[str, None] | None) -> None:
    """The one method with a score has not measured it, or stores nothing."""
    for method in ("prefix", "finetune", "adapter"):
        scores = {"BLEU": {"value": 50.0, "signature": "s"} if method == "prefix" else NO_SCORE}
        scores["ROUGE_L"] = {"value": 0.5, "signature": "s"}
        result = {"scores": scores, **({"costs": costs} if costs and method == "prefix" else {})}
        size = stored if method == "prefix" else 10
        write_record(tmp_path, settings={"method.name": method}, stored=size, result=result, with_stats=False)
    (figure,) = [each for each in figures(groups_in(tmp_path)) if each.kind == "pareto"]
    assert draw(figure, ["svg"])["svg"].count(b'<g id="axes_') == 4
