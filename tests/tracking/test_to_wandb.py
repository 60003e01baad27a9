"""Weights & Biases without a network: the file that `wandb sync` sends."""

import time
from pathlib import Path

import pytest

from tracked_runs import SAMPLE, send

pytestmark = [pytest.mark.needs("wandb"), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(autouse=True)
def _no_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_DIR", "WANDB_MODE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def holds(part: Path, expected: bytes) -> bool:
    """Whether a file has it, or gets it soon: its service, another process, still writes when it has let go."""
    for _ in range(50):
        if expected in part.read_bytes():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow  # its service takes seconds to start
def test_without_a_key_both_parts_are_kept_with_the_id_of_the_run(tmp_path: Path) -> None:
    from prefixrun.tracking.to_wandb import ToWandb

    send(ToWandb, tmp_path / "trackers", pause=1.1)  # it names its directories by the second
    parts = list((tmp_path / "trackers" / "wandb").glob("offline-run-*-0123456789ab*/*.wandb"))
    assert len(parts) == 2
    for expected in (b"dev/loss", b"score/BLEU", b"train.lr", b"0123456789ab"):
        assert any(holds(part, expected) for part in reversed(parts)), expected
    (table,) = (tmp_path / "trackers" / "wandb").rglob("*.table.json")
    assert SAMPLE.output in table.read_text()


def test_a_key_is_known_from_the_environment_or_a_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from prefixrun.tracking.to_wandb import has_key

    assert not has_key()
    login = tmp_path / ".netrc"
    login.write_text("machine api.wandb.ai login user password x\n")
    login.chmod(0o600)
    assert has_key()
    monkeypatch.setenv("NETRC", "~/elsewhere")
    assert not has_key()
    login.rename(tmp_path / "elsewhere")
    assert has_key()
    monkeypatch.setenv("WANDB_BASE_URL", "https://other.example")
    assert not has_key()
    monkeypatch.setenv("WANDB_API_KEY", "x")
    assert has_key()
