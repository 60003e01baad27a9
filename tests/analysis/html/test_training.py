"""Curves of training in the report."""

from pathlib import Path
from urllib.parse import unquote

from prefixrun.analysis.html.training import training_figures
from prefixrun.results.records import load_records
from synthetic_records import write_record


def history(*losses: float) -> dict[str, object]:
    entries = [{"step": 10 * n, "train_loss": loss, "dev_loss": loss + 0.1} for n, loss in enumerate(losses, start=1)]
    return {"training": {"history": entries, "fit_error": None}}


def test_runs_of_a_task_and_a_size_share_a_figure_and_one_measurement_is_no_curve(tmp_path: Path) -> None:
    write_record(tmp_path, settings={"train_size": 50}, result=history(3, 2, 1.5))
    write_record(tmp_path, settings={"train_size": 50, "method.name": "finetune"}, result=history(3, 1.25))
    write_record(tmp_path, settings={"train_size": 500}, result=history(3, 2))
    write_record(tmp_path, settings={"train_size": 100}, result=history(3))
    small, large = training_figures(load_records(tmp_path).runs)
    assert small.title == "Training, E2E, SmolLM2-135M, 50 pairs"
    assert small.caption.startswith("2 runs, a line each")
    assert "fine-tuning at a rate of 0.001 has the lowest loss: 1.350." in small.caption
    assert "500 pairs" in large.title
    svg = unquote(small.address)
    assert "development loss (nats a token)" in svg


def test_the_same_runs_give_the_same_picture(tmp_path: Path) -> None:
    write_record(tmp_path, result=history(3, 2))
    runs = load_records(tmp_path).runs
    assert training_figures(runs) == training_figures(runs)


def test_without_curves_there_is_no_figure(tmp_path: Path) -> None:
    write_record(tmp_path, result=history(3))
    assert training_figures(load_records(tmp_path).runs) == ()
