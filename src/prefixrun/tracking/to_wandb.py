"""Weights & Biases, online; without a key, or with WANDB_MODE=offline, in RESULTS_DIR/trackers/wandb/."""

from __future__ import annotations

import netrc
import os
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

import wandb

from prefixrun.tracking.tracker import COLUMNS, PROJECT, Sample, TrackedRun, Values

HOME = "https://api.wandb.ai"


class ToWandb:
    """A run of wandb with the id of the run, which it goes on with."""

    def __init__(self, run: TrackedRun) -> None:
        directory = os.environ.get("WANDB_DIR", str(run.directory))
        os.makedirs(directory, exist_ok=True)  # it would take another one
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            id=run.id,
            name=run.name,
            dir=directory,
            config={"run_id": run.id, **run.settings},
            resume="allow",
            mode=None if os.environ.get("WANDB_MODE") or has_key() else "offline",
            settings=wandb.Settings(silent=True, console="off", save_code=False, x_disable_stats=True),
        )

    def scalars(self, step: int, values: Values) -> None:
        self._run.log(dict(values), step=step)

    def finish(self, step: int, values: Values, samples: Sequence[Sample]) -> None:
        table = wandb.Table(columns=list(COLUMNS), data=[sample.cells() for sample in samples])
        self._run.log({"samples": table}, step=step)
        self._run.summary.update(dict(values))

    def close(self, *, finished: bool) -> None:
        self._run.finish(exit_code=0 if finished else 1)


def has_key() -> bool:
    """Whether there is a key, from WANDB_API_KEY or `wandb login`; without one the library would ask the terminal."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL", HOME)).hostname or ""
    named = os.environ.get("NETRC")
    for file in [named] if named else ["~/.netrc", "~/_netrc"]:  # where wandb itself looks
        with suppress(OSError, netrc.NetrcParseError):
            if netrc.netrc(os.path.expanduser(file)).authenticators(host):
                return True
    return False
