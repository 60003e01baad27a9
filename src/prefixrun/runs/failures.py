"""What ends a run early is recorded in its directory: its message, and the best checkpoint of a diverged training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from safetensors.torch import save

from prefixrun.errors import DiskFullError, DivergedError, Interrupted, PrefixrunError, set_traceback_file
from prefixrun.runs.log import LOG
from prefixrun.runs.run import Run
from prefixrun.training.checkpoint import Checkpoints


@contextmanager
def failures_recorded(run: Run) -> Iterator[None]:
    """Record what is raised within as the run's failure, a defect with its traceback in the log.

    An interruption is none, and a full disk has no room for it.
    """
    try:
        yield
    except (DiskFullError, Interrupted):
        raise
    except DivergedError as error:
        run.fail(str(error), error.details)
        raise
    except PrefixrunError as error:
        run.fail(str(error))
        raise
    except Exception as error:
        LOG.exception("%s", type(error).__name__)
        set_traceback_file(error, run.log)
        run.fail(f"{type(error).__name__}: {error}")
        raise


@contextmanager
def best_state_of_divergence(run: Run, checkpoints: Checkpoints) -> Iterator[None]:
    """Of a training that diverges within, write the best checkpoint, and leave no other."""
    try:
        yield
    except DivergedError as error:
        if error.state:
            tensors = {name: tensor.float().contiguous() for name, tensor in error.state.items()}
            run.manifest.write({run.best_state.name: save(tensors)}, "training")
        checkpoints.remove()
        raise
