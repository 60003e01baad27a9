"""Curves of training in the report."""

from pathlib import Path
from urllib.parse import unquote

from prefixrun.analysis.html.training import diverged, training_figures
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
    assert small.title == "Training: E2E, SmolLM2-135M, 50 pairs"
    assert small.caption.startswith("2 runs, a line each")
    assert "that were used: fine-tuning at a learning rate of 0.001 (1.350)." in small.caption
    assert "overfitting" not in small.caption
    assert "Dashed" not in small.caption
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


def test_runs_that_diverged_are_named_and_have_a_cross(tmp_path: Path) -> None:
    for seed, losses in enumerate(((3, 2, 1.5), (3, 5, 7))):
        write_record(tmp_path, settings={"seed": seed}, result=history(*losses))
    runs = load_records(tmp_path).runs
    (failed,) = [run.run_id for run in runs if run.seed == 1]
    assert diverged(runs) == {failed}
    (figure,) = training_figures(runs)
    assert f"Crosses: training diverged ({failed})." in figure.caption


def test_a_development_loss_that_rises_while_the_training_loss_falls_is_counted(tmp_path: Path) -> None:
    entries = [{"step": n, "train_loss": 3 - n, "dev_loss": loss} for n, loss in enumerate((2.5, 2.0, 2.2))]
    write_record(tmp_path, result={"training": {"history": entries, "fit_error": None}})
    (figure,) = training_figures(load_records(tmp_path).runs)
    assert "In 1 of them the development loss rises while the training loss falls: overfitting." in figure.caption


def test_a_shorter_training_has_not_diverged(tmp_path: Path) -> None:
    for steps, loss in ((1000, 1.0), (5, 1.9)):
        settings = {"train.max_steps": steps, "train.epochs": 50, "train_size": 100, "train.batch_size": 16}
        history = [{"step": step, "dev_loss": loss} for step in (1, 2)]
        write_record(tmp_path, settings=settings, result={"training": {"history": history, "fit_error": None}})
    assert not diverged(load_records(tmp_path).runs)
