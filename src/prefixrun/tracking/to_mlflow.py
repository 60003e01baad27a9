"""MLflow: the server or store of MLFLOW_TRACKING_URI, or files in RESULTS_DIR/trackers/mlruns/."""

from __future__ import annotations

import os
from collections.abc import Sequence

from mlflow.tracking import MlflowClient

from prefixrun.tracking.tracker import COLUMNS, PROJECT, Sample, TrackedRun, Values

ID_TAG = "prefixrun.run_id"
LONGEST_PARAMETER = 500
"""Characters that every store takes."""


class ToMlflow:
    """A run of MLflow, found again by its tag."""

    def __init__(self, run: TrackedRun) -> None:
        address = os.environ.get("MLFLOW_TRACKING_URI")
        if not address:
            # MLflow 3 asks for this word before it writes files, because it develops its databases alone.
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
            address = (run.directory / "mlruns").resolve().as_uri()
        self._client = MlflowClient(tracking_uri=address)
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
        experiment = self._client.get_experiment_by_name(name)
        identifier = experiment.experiment_id if experiment else self._client.create_experiment(name)
        there = self._client.search_runs([identifier], f"tags.`{ID_TAG}` = '{run.id}'", max_results=1)
        if there:
            self._client.update_run(there[0].info.run_id, status="RUNNING")
        logged = there[0] if there else self._client.create_run(identifier, run_name=run.name, tags={ID_TAG: run.id})
        self._id = logged.info.run_id
        # The connection may have broken between two settings; one that is there cannot get another value.
        for key, value in run.settings.items():
            if key not in logged.data.params:
                self._client.log_param(self._id, key, str(value)[:LONGEST_PARAMETER])

    def scalars(self, step: int, values: Values) -> None:
        for name, value in values.items():
            self._client.log_metric(self._id, name, value, step=step)

    def finish(self, step: int, values: Values, samples: Sequence[Sample]) -> None:
        self.scalars(step, values)
        records = [dict(zip(COLUMNS, sample.cells(), strict=True)) for sample in samples]
        self._client.log_dict(self._id, {"samples": records}, "samples.json")

    def close(self, *, finished: bool) -> None:
        self._client.set_terminated(self._id, "FINISHED" if finished else "KILLED")
