"""The memory of this machine, as the system tells it."""

from pathlib import Path

import pytest
import torch

from prefixrun.models import machine_memory
from prefixrun.models.machine_memory import memory_bytes


@pytest.mark.parametrize(
    ("limit", "expected"), [("max\n", 3 * 2**20), ("1048576\n", 2 * 2**20), (None, 3 * 2**20)], ids=str
)
def test_the_memory_of_a_machine(
    limit: str | None, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 2048 kB\nMemFree: 1 kB\nSwapTotal: 1024 kB\n")
    monkeypatch.setattr(machine_memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(machine_memory, "CGROUP_LIMIT", tmp_path / "limit")
    if limit is not None:
        (tmp_path / "limit").write_text(limit)
    assert memory_bytes(torch.device("cpu")) == expected
    monkeypatch.setattr(machine_memory, "MEMINFO", tmp_path / "nowhere")
    assert memory_bytes(torch.device("cpu")) is None
