"""Recorded steps, with a CPU in the place of the GPU: what is played back reads the tensors of the recording."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from prefixrun.models.recorded_steps import RecordedSteps, Replay, record_on_gpu


def record_on_cpu(compute: Callable[[], Tensor]) -> tuple[Tensor, Replay]:
    output = compute()

    def replay() -> None:
        output.copy_(compute())

    return output, replay


def test_a_shape_is_recorded_once_and_again_when_memory_has_moved() -> None:
    recorded: list[int] = []

    def record(compute: Callable[[], Tensor]) -> tuple[Tensor, Replay]:
        recorded.append(1)
        return record_on_cpu(compute)

    steps = RecordedSteps(record)
    for memory, size, times in ((1, 2, 1), (1, 2, 1), (1, 3, 2), (1, 2, 2), (2, 2, 3)):
        x = torch.randn(size)
        assert torch.equal(steps.run(memory, size, (x, x + 1), lambda a, b: a * b), x * (x + 1))
        assert len(recorded) == times


@pytest.mark.needs("cuda")
def test_a_gpu_plays_back_what_it_recorded() -> None:
    steps = RecordedSteps(record_on_gpu)
    for _ in range(3):
        x = torch.randn(4, device="cuda")
        assert torch.equal(steps.run(0, 4, (x,), lambda a: a * 2), x * 2)
