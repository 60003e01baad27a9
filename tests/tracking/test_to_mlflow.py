"""MLflow with its store of files, read back with its own client."""

from pathlib import Path

import pytest

from tracked_runs import SAMPLE, send

pytestmark = [pytest.mark.needs("mlflow"), pytest.mark.filterwarnings("ignore")]


def test_a_run_that_was_interrupted_is_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.tracking import MlflowClient

    from prefixrun.tracking.to_mlflow import ID_TAG, ToMlflow

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    send(ToMlflow, tmp_path)
    client = MlflowClient(tracking_uri=(tmp_path / "mlruns").as_uri())
    experiment = client.get_experiment_by_name("prefixrun")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.tags[ID_TAG] == "0123456789ab"
    assert run.data.params == {"seed": "1", "train.lr": "0.1"}
    history = client.get_metric_history(run.info.run_id, "dev/loss")
    assert [(metric.step, metric.value) for metric in history] == [(4, 2.5), (8, 1.5)]
    assert run.data.metrics["score/BLEU"] == 40.0
    (samples,) = (tmp_path / "mlruns").rglob("samples.json")
    assert SAMPLE.output in samples.read_text()
