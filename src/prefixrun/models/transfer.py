"""Tensors on their way from the host to the device that computes."""

from __future__ import annotations

import torch
from torch import Tensor

QUEUED = ("cuda", "xpu")
"""Devices that work through a queue of their own while the host goes on. Reading a number back waits for the queue."""


def is_queued(device: torch.device) -> bool:
    """Whether the host should neither wait for this device nor make it wait."""
    return device.type in QUEUED


def on_device(tensor: Tensor, device: str | torch.device) -> Tensor:
    """A tensor of the host on the device; to a GPU through pinned memory, so that the host does not wait."""
    target = torch.device(device)
    if is_queued(target) and tensor.device.type == "cpu":
        return tensor.pin_memory(target.type).to(target, non_blocking=True)
    return tensor.to(target)
