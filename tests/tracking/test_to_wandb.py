"""Weights & Biases without a network: the file that `wandb sync` sends."""

import time
from pathlib import Path

import pytest

from tracked_runs import SAMPLE, send

pytest.importorskip("wandb", reason="the extra wandb is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # its service takes seconds to start


def holds(part: Path, expected: bytes) -> bool:
    """Whether a file has it, or gets it soon: its service, another process, still writes when it has let go."""
    for _ in range(50):
        if expected in part.read_bytes():
            return True
        time.sleep(0.1)
    return False


def test_both_parts_have_the_id_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from prefixrun.tracking.to_wandb import ToWandb

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.delenv("WANDB_DIR", raising=False)
    send(ToWandb, tmp_path / "trackers", pause=1.1)  # it names its directories by the second
    parts = list((tmp_path / "trackers" / "wandb").glob("offline-run-*-0123456789ab*/*.wandb"))
    assert len(parts) == 2
    for expected in (b"dev/loss", b"score/BLEU", b"train.lr", b"0123456789ab"):
        assert any(holds(part, expected) for part in reversed(parts)), expected
    (table,) = (tmp_path / "trackers" / "wandb").rglob("*.table.json")
    assert SAMPLE.output in table.read_text()
