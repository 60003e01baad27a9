import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from benchmarks.curve import Point
from benchmarks.measure import CurvePoint, Decoding, Measured, Results, Training
from benchmarks.plan import Plan
from benchmarks.report import ratio, record, show
from benchmarks.sides import Setup
from rich.console import Console

from prefixrun.models.batches import PairIds

pytest.importorskip("peft", reason="the peer of the benchmark needs peft")

LIMITS = (200.0, 220.0, 100.0)
PEER = Measured("peer", "peer", (100.0, 50.0, 80.0), LIMITS, 2_000_000_000, 8, "7 steps, loss 2.000")
OURS = Measured("prefixrun", "peer", (150.0, 200.0, 80.0), LIMITS, 1_000_000_000, 8, "7 steps, loss 2.001")


@pytest.fixture
def results() -> Results:
    setup = Setup(
        plan=Plan(data_dir="somewhere/corpora", json="out.json"),
        directory="somewhere/weights",
        prefix={"decoder": np.zeros((1, 2, 1, 10, 4), dtype=np.float32)},
        pairs=(PairIds((1, 2), (3, 4, 5)), PairIds((1, 2), (6,))),
        prompts=((1, 2), (1, 2, 3)),
        end=0,
        threads=2,
    )
    decoding = Decoding((PEER, OURS), {"peer": {1: 0.3, 4: 0.41}, "prefixrun": {8: 1.5}}, equal_outputs=1, outputs=2)
    return Results(setup, Training((PEER, OURS)), decoding, (CurvePoint(Point(prefix_len=200), (PEER, OURS)),))


def test_the_ratio_is_taken_round_by_round() -> None:
    assert ratio(OURS, PEER) == 1.5  # the medians' would be 150 / 80
    assert ratio(PEER, PEER) == 1.0


def test_a_row_without_its_peer_has_no_ratio(results: Results) -> None:
    assert ratio(OURS, None) is None
    alone = replace(
        results,
        setup=replace(results.setup, plan=Plan(peers="none")),
        training=None,
        decoding=Decoding((OURS,), {}, 0, 0),
        curve=(),
    )
    console = Console(width=100, record=True, highlight=False)
    show(alone, console)
    text = console.export_text()
    assert ["prefixrun", "80.00", "150.0", "200.0", "80", "8", "1000"] in [line.split() for line in text.splitlines()]
    assert "both sides:" not in text
    assert "checked" not in text
    (row,) = record(alone, [])["decoding"]["rows"]
    assert row["ratio_to_peer"] is None


def test_the_share_of_the_limit_is_taken_round_by_round() -> None:
    assert OURS.share == 0.8
    assert PEER.share == 0.5


def test_the_table_names_sides_values_and_settings(results: Results) -> None:
    console = Console(width=100, record=True, highlight=False)
    show(results, console)
    lines = console.export_text().splitlines()
    assert "training: tokens of the pairs per second (2 pairs of 1 inputs, 8 tokens, batches of 8 pairs)" in lines
    cells = [line.split() for line in lines]
    assert ["peer", "50.00", "80.00", "100.0", "1.00", "50", "8", "2000"] in cells
    assert ["prefixrun", "80.00", "150.0", "200.0", "1.50", "80", "8", "1000"] in cells
    assert ["200", "8", "40", "1", "80.00", "150.0", "1.50", "80", "2000", "1000"] in cells
    assert "batch sizes tried, inputs/s: peer 1: 0.30, 4: 0.41" in lines
    assert "outputs equal on both sides: 1 of 2" in lines
    assert "2 threads" in lines[-2]
    assert "published weights on cpu; peft" in lines[-2]
    assert "outputs depend on its prefix with these versions" in lines[-1]


def test_the_record_holds_every_value_and_no_directory(results: Results) -> None:
    text = json.dumps(record(results, ["all", "data_dir=/somewhere/corpora"]))
    assert "/somewhere" not in text
    written = json.loads(text)
    assert written["training"]["rows"][1] == {
        **asdict(OURS),
        "values": list(OURS.values),
        "limits": list(LIMITS),
        "ratio_to_peer": 1.5,
        "share_of_limit": 0.8,
    }
    assert written["decoding"]["probes"] == {"peer": {"1": 0.3, "4": 0.41}, "prefixrun": {"8": 1.5}}
    assert written["provenance"]["command"] == "python -m benchmarks all 'data_dir=<path>/corpora'"
    assert written["provenance"]["threads"] == 2
    assert "peft" in written["provenance"]["packages"]
