"""MLflow with its store of files, read back with its own client."""

from pathlib import Path

import pytest

from prefixrun.tracking.tracker import TrackedRun
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


def test_settings_that_a_broken_connection_left_out_are_sent_when_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking import MlflowClient

    from prefixrun.tracking.to_mlflow import ToMlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    run = TrackedRun("0123456789ab", "a-run", {"seed": 1, "train.lr": 0.1}, tmp_path)
    log_param = MlflowClient.log_param

    def breaks(client: MlflowClient, run_id: str, key: str, value: str) -> None:
        if key == "train.lr":
            raise ConnectionError
        log_param(client, run_id, key, value)

    with monkeypatch.context() as broken:
        broken.setattr(MlflowClient, "log_param", breaks)
        with pytest.raises(ConnectionError):
            ToMlflow(run)
    ToMlflow(run)
    client = MlflowClient()
    (there,) = client.search_runs([client.get_experiment_by_name("prefixrun").experiment_id])
    assert there.data.params == {"seed": "1", "train.lr": "0.1"}
