"""The whole benchmark on a tiny model."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from benchmarks.__main__ import main
from safetensors.torch import save_file

from benchmarks import __main__ as benchmarks_main
from benchmarks import limit
from checkout import ROOT
from prefixrun.config.schema import ModelConfig
from prefixrun.methods.prefix_flat import FlatPrefix
from prefixrun.models.loading import load

TINY = ["model=tiny_llama", "rounds=2", "prepare_steps=2", "train_pairs=9", "decode_inputs=8", "max_new_tokens=6"]

TRAINED = [
    "peer",
    "prefixrun, 1 target a row",
    "prefixrun, 8 targets a row",
    "peer, LoRA",
    "prefixrun, LoRA",
]
DECODED = ["peer", "peer, static cache", "prefixrun"]


class Here:
    """Stands in for child.Child without another process, whose imports alone take seconds."""

    def __init__(self, held: Any) -> None:
        self.held = held

    def call(self, method: str, *arguments: Any) -> Any:
        return getattr(self.held, method)(*arguments)

    def peak_memory(self) -> int:
        return 1


@contextmanager
def here(build: Callable[..., Any], *arguments: Any) -> Iterator[Here]:
    yield Here(build(*arguments))


@pytest.fixture(autouse=True)
def _quick_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "REPETITIONS", 1)
    monkeypatch.setattr(limit, "POOL", 1)


@pytest.fixture
def packages() -> None:
    """Skips where the peer's packages are not installed."""
    pytest.importorskip("peft", reason="the peer of the benchmark needs peft")
    pytest.importorskip("accelerate", reason="the peer of the benchmark needs accelerate")


@pytest.fixture
def one_process(packages: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """All sides compute here."""
    from benchmarks import measure

    monkeypatch.setattr(measure, "child", here)
    monkeypatch.setattr(measure, "in_child", lambda function, *arguments: function(*arguments))


LOST = pytest.mark.skipif(
    benchmarks_main.loses_prefix(), reason="PEFT loses its prefix with this transformers, and the benchmark says so"
)


@LOST
@pytest.mark.usefixtures("one_process")
def test_every_side_is_measured_in_turns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "bench.json"
    assert main([*TINY, f"json={target}"]) == 0

    lines = [line.split(": ")[1] for line in capsys.readouterr().out.splitlines() if ", round " in line]
    assert [line.rpartition(" ")[0].rpartition(",")[0].rsplit(" ", 2)[0] for line in lines] == [
        *TRAINED * 2,
        *DECODED * 2,
    ]
    check(json.loads(target.read_text(encoding="utf-8")))


@pytest.mark.usefixtures("one_process")
def test_prefixrun_alone_with_the_prefix_of_a_run(tmp_path: Path) -> None:
    backbone = load(ModelConfig(name="tiny_llama", source="random", architecture="tiny_llama"))
    trained = FlatPrefix(backbone.shape, backbone.sites, 10).trained_tensors()
    prefix, target = tmp_path / "prefix.safetensors", tmp_path / "bench.json"
    save_file(trained, prefix)
    alone = [*TINY, "decode", "peers=none", "our_batches=4", "threads=1", "clock=processor", f"prefix={prefix}"]
    assert main([*alone, f"json={target}"]) == 0
    decoding = json.loads(target.read_text(encoding="utf-8"))["decoding"]
    (row,) = decoding["rows"]
    assert (row["name"], row["batch_size"], row["ratio_to_peer"]) == ("prefixrun", 4, None)
    assert 0 < row["share_of_limit"] < 1
    assert decoding["probes"] == {}


@LOST
@pytest.mark.usefixtures("one_process")
def test_an_encoder_decoder_has_lora_for_its_peer(tmp_path: Path) -> None:
    target = tmp_path / "bench.json"
    assert main([*TINY, "model=tiny_bart", "rounds=1", "our_batches=4", f"json={target}"]) == 0
    record = json.loads(target.read_text(encoding="utf-8"))
    rows = record["training"]["rows"]
    assert [row["name"] for row in rows] == [name for name in TRAINED if name != "peer"]
    assert [row["ratio_to_peer"] is None for row in rows] == [True, True, False, False]
    assert [row["name"] for row in record["decoding"]["rows"]] == ["prefixrun"]
    assert all(0 < row["share_of_limit"] < 1 for row in (*rows, *record["decoding"]["rows"]))


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("damage", ["missing", "short"])
def test_a_prefix_that_does_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str) -> None:
    prefix = tmp_path / "prefix.safetensors"
    if damage == "short":
        save_file({"decoder": torch.zeros(2, 2, 2, 3, 8)}, prefix)
    assert main([*TINY, "decode", "peers=none", f"prefix={prefix}"]) == 2
    message = capsys.readouterr().err
    assert f"prefix={prefix}: " in message
    assert ("a prefix of this plan has decoder" in message) == (damage == "short")


def check(record: dict[str, Any]) -> None:
    training, decoding = record["training"]["rows"], record["decoding"]["rows"]
    assert [row["name"] for row in training] == TRAINED
    assert [row["name"] for row in decoding] == DECODED
    for row in (*training, *decoding):
        assert len(row["values"]) == record["settings"]["rounds"]
        assert min(row["values"]) > 0
        assert len(row["limits"]) == len(row["values"])
        assert 0 < row["share_of_limit"] < 1
        assert row["peak_memory"] > 0
    assert training[0]["ratio_to_peer"] == training[3]["ratio_to_peer"] == decoding[0]["ratio_to_peer"] == 1
    assert {row["peer"] for row in training[3:]} == {"peer, LoRA"}
    assert record["pairs"] == 10  # nine, and the other reference of the last input
    assert list(record["decoding"]["probes"]["peer"]) == ["1", "4", "8"]
    assert record["decoding"]["equal_outputs"] == record["decoding"]["outputs"] == 8


@LOST
@pytest.mark.usefixtures("one_process")
def test_a_peer_that_does_not_read_its_prefix_ends_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import peer

    monkeypatch.setattr(peer.Peer, "_set_prefix", lambda self, scale=1.0: None)
    assert main(TINY) == 4
    assert "what PEFT computes does not depend on its prefix with these versions" in capsys.readouterr().err


@LOST
@pytest.mark.usefixtures("one_process")
def test_the_curve_has_a_line_for_each_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import curve

    monkeypatch.setattr(curve, "AXES", {"prefix_len": (1, 200), "targets": (1, 8)})
    target = tmp_path / "curve.json"
    assert main(["curve", *TINY, "rounds=1", f"json={target}"]) == 0
    points = json.loads(target.read_text(encoding="utf-8"))["curve"]
    usual = {"prefix_len": 10, "batch": 8, "input_length": 40, "targets": 1}
    assert [each["point"] for each in points] == [
        usual,
        {**usual, "prefix_len": 1},
        {**usual, "prefix_len": 200},
        {**usual, "targets": 8},
    ]
    for each in points:
        assert [row["name"] for row in each["rows"]] == ["peer", "prefixrun"]
        assert each["rows"][1]["ratio_to_peer"] > 0
    assert "training by size of the step" in capsys.readouterr().out


def test_without_peft_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchmarks_main, "find_spec", lambda name: None)
    assert main([]) == 4
    assert "the peer needs peft and accelerate: pip install 'prefixrun[peft]'" in capsys.readouterr().err


@pytest.mark.usefixtures("packages")
def test_with_a_transformers_that_loses_the_peers_prefix_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchmarks_main, "loses_prefix", lambda: True)
    assert main([]) == 4
    assert "pip install 'transformers<5.24' for the benchmark" in capsys.readouterr().err


def test_a_wrong_setting_ends_it_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["round=1"]) == 2
    assert capsys.readouterr().err == "benchmarks: round=1: no such key; did you mean rounds?\n"


@LOST
@pytest.mark.usefixtures("packages")
def test_a_record_that_cannot_be_written_ends_it_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"json={tmp_path / 'nowhere' / 'bench.json'}"]) == 2
    assert "its directory does not exist" in capsys.readouterr().err


@LOST
@pytest.mark.slow
@pytest.mark.usefixtures("packages")
def test_the_command_runs_every_side_in_a_process_of_its_own(tmp_path: Path) -> None:
    target = tmp_path / "bench.json"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-m", "benchmarks", *TINY, f"json={target}"], cwd=ROOT, env=environment, check=True)
    record = json.loads(target.read_text(encoding="utf-8"))
    check(record)
    assert len({row["peak_memory"] for row in (*record["training"]["rows"], *record["decoding"]["rows"])}) == 8
