"""Trackio: its own store on this machine (TRACKIO_DIR), which `trackio show --project prefixrun` opens."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pandas as pd
import trackio

from prefixrun.tracking.tracker import COLUMNS, PROJECT, Sample, TrackedRun, Values


class ToTrackio:
    """A run of Trackio, found again by its name."""

    def __init__(self, run: TrackedRun) -> None:
        for name in ("trackio", "trackio.run", "trackio.utils"):
            # It writes to the terminal, in the middle of the progress of a run.
            vars(sys.modules[name])["print"] = _say_nothing
        self._run = trackio.init(
            project=PROJECT,
            name=run.name,
            config={"run_id": run.id, **run.settings},
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )

    def scalars(self, step: int, values: Values) -> None:
        self._run.log(dict(values), step=step)

    def finish(self, step: int, values: Values, samples: Sequence[Sample]) -> None:
        table = pd.DataFrame([sample.cells() for sample in samples], columns=list(COLUMNS))
        self._run.log({**values, "samples": trackio.Table(dataframe=table)}, step=step)

    def close(self, *, finished: bool) -> None:
        self._run.finish()


def _say_nothing(*words: object, **options: object) -> None:
    """In place of print."""
