"""Whether runs reproduce a printed number."""

import pytest

from prefixrun.analysis.equivalence import MARGINS, half_width, judge, margin
from prefixrun.analysis.paper_numbers import CONTENTS, Cell, load

BLEU = Cell("BLEU", 70.3, "70.3")
TER = Cell("TER/all", 0.42, ".42")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], "no runs"),
        ([70.3], "undecided (at least 2 more seeds before anything is decided)"),
        ([70.1, 70.3, 70.5], "reproduced"),
        ([70.3, 70.3], "undecided (at least 1 more seed before anything is decided)"),
        ([66.0, 66.01], "undecided (at least 1 more seed before anything is decided)"),
        ([75.1, 75.3, 75.5], "better"),
        ([65.1, 65.3, 65.5], "worse"),
        ([69.5, 70.3, 71.1], "undecided (about 1 more seed)"),
        ([68.3, 70.3, 72.3], "undecided (about 9 more seeds)"),
        ([71.0, 71.35, 71.7], "undecided (more than 100 more seeds: the mean is at the margin's edge)"),
    ],
)
def test_what_runs_say_about_a_printed_number(values: list[float], text: str) -> None:
    assert judge("e2e", values, BLEU).text == text


def test_of_errors_fewer_are_better() -> None:
    assert judge("webnlg", [0.30, 0.301, 0.302], TER).kind == "better"
    assert judge("webnlg", [0.50, 0.501, 0.502], TER).kind == "worse"


def test_the_printed_number_may_have_been_rounded() -> None:
    assert half_width(BLEU) == pytest.approx(0.05)
    assert half_width(TER) == pytest.approx(0.005)
    assert judge("webnlg", [0.4349, 0.4349, 0.4349], TER).kind == "reproduced"
    assert judge("webnlg", [0.4351, 0.4351, 0.4351], TER).kind == "worse"


def test_every_score_of_the_papers_tables_has_a_margin() -> None:
    for content in CONTENTS:
        if content in ("data_statistics", "running_text"):
            continue
        for row in load(content):
            for cell in row.cells:
                assert margin(row.task, cell.metric) >= half_width(cell), (row.task, cell.metric)


def test_unseen_categories_have_a_margin_of_their_own() -> None:
    assert margin("webnlg", "BLEU/unseen") > margin("webnlg", "BLEU/seen") == MARGINS["BLEU"]
    assert margin("e2e", "METEOR") > margin("webnlg", "METEOR/all")
