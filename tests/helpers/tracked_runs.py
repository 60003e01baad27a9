"""A run that is sent to a tracker in two parts, as one that was interrupted."""

import time
from pathlib import Path

from prefixrun.tracking.tracker import Opener, Sample, TrackedRun

SAMPLE = Sample("test-0", "name : A | Type : pub", "A is a pub.", "A pub.")


def send(opener: Opener, directory: Path, pause: float = 0) -> TrackedRun:
    """pause: seconds between the parts."""
    run = TrackedRun("0123456789ab", "e2e-prefix-tiny-0123456789ab", {"seed": 1, "train.lr": 0.1}, directory)
    first = opener(run)
    first.scalars(4, {"train/loss": 3.0, "dev/loss": 2.5, "train/lr": 0.1})
    first.close(finished=False)
    time.sleep(pause)
    second = opener(run)
    second.scalars(8, {"train/loss": 2.0, "dev/loss": 1.5, "train/lr": 0.05})
    second.finish(8, {"score/BLEU": 40.0, "cost/train_seconds": 1.5}, [SAMPLE])
    second.close(finished=True)
    return run
