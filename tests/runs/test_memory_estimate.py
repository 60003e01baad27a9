"""What needs more memory than there is, is refused with both numbers before it is allocated."""

from pathlib import Path

import pytest
import torch

from prefixrun.errors import ConfigError
from prefixrun.models.backbone import Backbone
from prefixrun.runs import memory_estimate
from prefixrun.runs.configure import compose
from prefixrun.runs.memory_estimate import memory_bytes, refuse_too_large


@pytest.mark.parametrize(
    ("overrides", "setting"),
    [
        (["method=prefix_flat", "prefix_len=100000000"], "prefix_len=100000000"),
        (["method.mid_dim=100000000"], "method.mid_dim=100000000"),
        (["method=adapter", "method.bottleneck=100000000"], "method.bottleneck=100000000"),
        (["decode.beams=100000000"], "decode.beams=100000000"),
        (["train.batch_size=100000000"], "train.batch_size=100000000"),
    ],
)
def test_what_cannot_fit_is_refused(
    overrides: list[str], setting: str, backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_estimate, "memory_bytes", lambda device: 2**32)
    config = compose(["model=tiny_gpt2", "init=random", *overrides])
    with pytest.raises(ConfigError, match=rf"^{setting}: .* need at least .* GiB, and there are 4\.0 GiB of memory"):
        refuse_too_large(config, backbone, 4, [30] * 2_000_000)


def test_what_runs_today_is_taken(backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_estimate, "memory_bytes", lambda device: 2**30)
    refuse_too_large(compose(["model=tiny_gpt2"]), backbone, 100, [30] * 2_000_000)
    refuse_too_large(compose(["model=tiny_gpt2", "train.batch_size=100000000"]), backbone, 100, [30] * 300)
    monkeypatch.setattr(memory_estimate, "memory_bytes", lambda device: None)
    refuse_too_large(compose(["decode.beams=100000000"]), backbone, 100)


@pytest.mark.parametrize(
    ("limit", "expected"), [("max\n", 3 * 2**20), ("1048576\n", 2 * 2**20), (None, 3 * 2**20)], ids=str
)
def test_the_memory_of_a_machine(
    limit: str | None, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 2048 kB\nMemFree: 1 kB\nSwapTotal: 1024 kB\n")
    monkeypatch.setattr(memory_estimate, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory_estimate, "CGROUP_LIMIT", tmp_path / "limit")
    if limit is not None:
        (tmp_path / "limit").write_text(limit)
    assert memory_bytes(torch.device("cpu")) == expected
    monkeypatch.setattr(memory_estimate, "MEMINFO", tmp_path / "nowhere")
    assert memory_bytes(torch.device("cpu")) is None
