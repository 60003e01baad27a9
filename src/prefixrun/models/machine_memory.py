"""How much memory there is."""

from __future__ import annotations

import re
from pathlib import Path

import torch

MEMINFO = Path("/proc/meminfo")
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def memory_bytes(device: torch.device) -> int | None:
    """The memory of a GPU of its own, else of the machine with its swap space; None where it is not known."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    if device.type == "xpu":
        return int(torch.xpu.get_device_properties(device).total_memory)
    try:
        sizes = dict(re.findall(r"(MemTotal|SwapTotal): *(\d+) kB", MEMINFO.read_text()))
        memory, swap = (1024 * int(sizes[name]) for name in ("MemTotal", "SwapTotal"))
    except (OSError, KeyError, ValueError):
        return None
    try:
        return min(memory, int(CGROUP_LIMIT.read_text())) + swap
    except (OSError, ValueError):  # no limit, or none of this kind
        return memory + swap
