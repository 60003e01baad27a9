"""Columns of scores."""

from pathlib import Path

import pytest

from prefixrun.analysis.html.metrics import score_columns, score_names, score_text
from prefixrun.results.records import load_records
from synthetic_records import write_record


def test_scores_come_in_the_papers_order(tmp_path: Path) -> None:
    write_record(tmp_path, settings={"task.name": "webnlg"})
    write_record(tmp_path)
    names = score_names(load_records(tmp_path).runs)
    assert names.index("BLEU") < names.index("ROUGE_L") < names.index("BLEU/seen") < names.index("TER/all")


@pytest.mark.parametrize(
    ("task", "metric", "value", "text"),
    [
        ("e2e", "BLEU", 70.31, "70.3"),
        ("e2e", "METEOR", 46.12, "46.1"),
        ("dart", "METEOR", 0.3068, "0.31"),
        ("e2e", "chrF", 51.234, "51.23"),
        ("e2e", "BLEU", None, "–"),
    ],
)
def test_a_score_has_the_decimals_of_the_paper_for_its_task(
    task: str, metric: str, value: float | None, text: str
) -> None:
    assert score_text(value, task, metric) == text


def test_columns_say_which_scores_are_details_and_where_less_is_better(tmp_path: Path) -> None:
    scores = {name: {"value": 1.0, "signature": "s", "reason": None} for name in ("BLEU", "ROUGE_L", "NIST", "TER")}
    nothing = {"value": None, "signature": "s", "reason": "needs Java"}
    write_record(tmp_path, result={"scores": {**scores, "METEOR": nothing}})
    runs = load_records(tmp_path).runs
    names = score_names(runs, with_values=True)
    columns = {column.label: column for column in score_columns(runs, names)}
    assert {label: column.detail for label, column in columns.items()} == {
        "BLEU": "",
        "NIST": "always",
        "ROUGE-L": "partial",
        "TER ↓": "always",
    }
    assert columns["TER ↓"].title == "less is better"
