"""TensorBoard, read back with its own reader."""

from pathlib import Path

import pytest

from tracked_runs import send

pytestmark = [pytest.mark.needs("tensorboard"), pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def test_a_run_that_was_interrupted_is_one_curve(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from prefixrun.tracking.to_tensorboard import ToTensorboard

    run = send(ToTensorboard, tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard" / run.name)).Reload()
    assert [(event.step, event.value) for event in events.Scalars("dev/loss")] == [(4, 2.5), (8, 1.5)]
    assert [event.value for event in events.Scalars("score/BLEU")] == [40.0]
    (samples,) = (event.tensor_proto.string_val[0].decode() for event in events.Tensors("samples/text_summary"))
    assert "| test-0 | name : A \\| Type : pub | A is a pub. | A pub. |" in samples
    settings = events.Tensors("settings/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "| run_id | 0123456789ab |" in settings
