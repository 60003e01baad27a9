"""The figure of the first section."""

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
    assert figure.caption.endswith(".")
    assert "overlap" not in figure.caption
    assert "<!-- fine-tuning -->" in unquote(figure.address)


def test_one_method_makes_none(tmp_path: Path) -> None:
    write_record(tmp_path)
    assert overview_figure(outcomes(run_groups(load_records(tmp_path).runs))) is None
