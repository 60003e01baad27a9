"""The figure of the first section."""

import json
from pathlib import Path
from urllib.parse import unquote

from prefixrun.analysis.groups import run_groups
from prefixrun.analysis.html.overview import outcomes
from prefixrun.analysis.html.overview_figure import overview_figure
from prefixrun.results.records import load_records
from synthetic_records import write_record


def test_it_shows_the_methods_of_the_task_that_has_most(tmp_path: Path) -> None:
    for task, method, quality in (("dart", "prefix", 0.9), ("e2e", "prefix", 0.2), ("e2e", "finetune", 0.9)):
        write_record(tmp_path, settings={"task.name": task, "method.name": method}, quality=quality)
    figure = overview_figure(outcomes(run_groups(load_records(tmp_path).runs)))
    assert figure is not None
    assert figure.title == "E2E: BLEU of each method, 60 test inputs, 42,061 pairs"
    assert figure.caption.startswith("Fine-tuning leads with ")
    assert figure.caption.endswith("95 % interval (of inputs alone: one run says nothing about seeds).")
    assert "<!-- fine-tuning -->" in unquote(figure.address)


def test_the_next_method_is_compared_by_the_difference_not_by_two_intervals(tmp_path: Path) -> None:
    for method, quality in (("prefix", 0.50), ("finetune", 0.54)):
        write_record(tmp_path, settings={"method.name": method}, quality=quality, inputs=200)
    (outcome,) = outcomes(run_groups(load_records(tmp_path).runs))
    first, second = outcome.methods
    assert first.low is not None
    assert second.high is not None
    assert first.low < second.high  # the intervals of the scores overlap
    figure = overview_figure([outcome])
    assert figure is not None
    difference = figure.caption.partition("the difference is ")[2]
    assert difference.startswith("+")
    assert "[+" in difference  # and the difference over the same inputs is above zero


def test_methods_of_equal_scores_have_no_leader(tmp_path: Path) -> None:
    for method in ("prefix", "finetune"):
        directory = write_record(tmp_path, settings={"method.name": method})
        result = json.loads((directory / "result.json").read_text("utf-8"))
        result["scores"]["BLEU"]["value"] = 100.0
        (directory / "result.json").write_text(json.dumps(result), "utf-8")
    figure = overview_figure(outcomes(run_groups(load_records(tmp_path).runs)))
    assert figure is not None
    assert "leads" not in figure.caption
    assert ": 100.0" in figure.caption


def test_one_method_makes_none(tmp_path: Path) -> None:
    write_record(tmp_path)
    assert overview_figure(outcomes(run_groups(load_records(tmp_path).runs))) is None
