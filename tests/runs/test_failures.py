"""What ends a run early, as its directory records it."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from prefixrun.errors import DiskFullError, DivergedError, Interrupted, PrefixrunError
from prefixrun.runs.failures import best_state_of_divergence, failures_recorded
from prefixrun.runs.run import Run
from prefixrun.training.checkpoint import Checkpoints


def a_run(directory: Path) -> Run:
    return Run(directory, task="dart", method="prefix", model="tiny", identity={"settings": {}})


def failure_of(run: Run, raised: Exception) -> dict[str, object] | None:
    with run.hold(), pytest.raises(type(raised)), failures_recorded(run):
        raise raised
    return run.failure()


@pytest.mark.parametrize(
    ("raised", "message"), [(PrefixrunError("no such file"), "no such file"), (ValueError("odd"), "ValueError: odd")]
)
def test_a_failure_is_recorded_with_its_message(tmp_path: Path, raised: Exception, message: str) -> None:
    failure = failure_of(a_run(tmp_path), raised)
    assert failure is not None
    assert failure["message"] == message
    assert "diverged" not in failure


@pytest.mark.parametrize("raised", [Interrupted("stopped"), DiskFullError("no room")])
def test_an_interruption_and_a_full_disk_are_not(tmp_path: Path, raised: Exception) -> None:
    assert failure_of(a_run(tmp_path), raised) is None


def test_a_training_that_diverged_leaves_its_best_state_and_no_checkpoint(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    checkpoints = Checkpoints(run.checkpoints, run.id)
    raised = DivergedError("too large", {"step": 3}, {"weight": torch.ones(2, dtype=torch.bfloat16)})
    with run.hold():
        run.checkpoints.mkdir()
        (checkpoint := run.checkpoints / "step-00000001.safetensors").touch()
        with pytest.raises(DivergedError), failures_recorded(run), best_state_of_divergence(run, checkpoints):
            raise raised
    failure = run.failure()
    assert failure is not None
    assert failure["diverged"] == {"step": 3}
    assert load_file(run.best_state)["weight"].tolist() == [1, 1]
    assert not checkpoint.exists()
