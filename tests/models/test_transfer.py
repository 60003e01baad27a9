"""What reaches a device is what was sent."""

import pytest
import torch

from prefixrun.models.transfer import is_queued, on_device

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.needs("cuda"))]


@pytest.mark.parametrize("device", DEVICES)
def test_a_tensor_arrives(device: str) -> None:
    sent = torch.arange(6).view(2, 3).T
    arrived = on_device(sent, device)
    assert arrived.device.type == device
    assert torch.equal(arrived.cpu(), sent)
    assert on_device(arrived, device) is arrived


@pytest.mark.parametrize(("device", "expected"), [("cpu", False), ("cuda:1", True), ("xpu", True), ("mps", False)])
def test_gpus_with_queues(device: str, expected: bool) -> None:
    assert is_queued(torch.device(device)) == expected
