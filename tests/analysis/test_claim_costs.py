"""Claims about lengths, times and sizes."""

from pathlib import Path

import pytest

from claim_findings import findings, prefix, write_four, write_sides
from synthetic_records import write_record


def test_times_are_compared_within_a_machine(tmp_path: Path) -> None:
    for seed, cpu, seconds in ((1, "A", 60.0), (2, "B", 600.0)):
        for method in ("prefix", "finetune")[: 2 if cpu == "A" else 1]:
            costs = {"train_seconds": seconds, "train_tokens": 1000, "decode_seconds": 1.0, "peak_memory_bytes": 2**30}
            costs |= {"train_seconds": seconds * (1 if method == "prefix" else 2)}
            write_record(
                tmp_path,
                settings={"method.name": method, "seed": seed},
                result={"costs": costs, "provenance": {"cpu": cpu}},
            )
    (evidence,) = findings(tmp_path)["C21"].evidence
    assert "0.50 times" in evidence.text
    assert len(evidence.run_ids) == 2


def test_a_longer_prefix_must_help_first_and_then_not(tmp_path: Path) -> None:
    for length, quality in ((1, 0.2), (10, 0.6), (40, 0.9)):
        write_four(tmp_path, "prefix", quality, prefix_len=length)
    found = findings(tmp_path)["C13"]
    assert [each.outcome for each in found.evidence] == ["holds", "does not hold"]
    assert found.outcome == "does not hold"


def test_lengths_scored_again_on_more_inputs_count_once(tmp_path: Path) -> None:
    for inputs in (20, 30):
        for length, quality in ((1, 0.2), (10, 0.6), (40, 0.6)):
            settings = {"test_size": inputs, "result": {"n_inputs": inputs, "n_inputs_available": 30}}
            write_sides(tmp_path, prefix(quality, prefix_len=length, **settings))
    assert [", 20 inputs" in each.text for each in findings(tmp_path)["C13"].evidence] == [False, False]


def test_a_single_run_of_a_longer_prefix_takes_no_evidence_away(tmp_path: Path) -> None:
    for length, quality in ((1, 0.2), (10, 0.6), (40, 0.9)):
        write_sides(tmp_path, prefix(quality, prefix_len=length, seeds=range(5)))
    write_sides(tmp_path, prefix(0.6, prefix_len=80, seeds=(1,)))
    assert findings(tmp_path)["C13"].outcome == "does not hold"


def test_a_prefix_in_some_layers_does_not_stand_for_its_length(tmp_path: Path) -> None:
    for length, quality in ((1, 0.2), (10, 0.6), (40, 0.9)):
        write_sides(tmp_path, prefix(quality, prefix_len=length, loss=1.2, seeds=range(5)))
    write_sides(tmp_path, prefix(0.3, prefix_len=40, loss=1.0, seeds=range(5), **{"method.layers": "1-10"}))
    assert findings(tmp_path)["C13"].outcome == "does not hold"


@pytest.mark.parametrize(("rise", "outcome"), [(0.5, "holds"), (1.5, "does not hold")])
def test_only_a_rise_beyond_the_margin_contradicts(rise: float, outcome: str, tmp_path: Path) -> None:
    for length, bleu in ((1, 50.0), (10, 60.0), (40, 60.0 + rise)):
        for seed in range(4):
            scores = {"BLEU": {"value": bleu + 0.1 * (seed % 2), "reason": None, "signature": "x"}}
            settings = {"prefix_len": length, "seed": seed}
            write_record(tmp_path, settings=settings, result={"scores": scores}, with_stats=False)
    assert [each.outcome for each in findings(tmp_path)["C13"].evidence] == ["holds", outcome]


def test_costs_are_judged_by_their_ratios(tmp_path: Path) -> None:
    write_four(tmp_path, "prefix", 0.5)
    write_four(tmp_path, "finetune", 0.5, stored=134_515_008)
    found = findings(tmp_path)
    assert found["C21"].outcome == "holds"
    assert "peak memory 1.9 against 2.9 GiB" in found["C21"].evidence[0].text
    assert found["C22"].outcome == "holds"
    assert "1,168 times fewer" in found["C22"].evidence[0].text


@pytest.mark.parametrize(
    ("factor", "outcome", "change"),
    [(0.5, "holds", "0.85 times or more"), (3.0, "does not hold", "1.00 times or less")],
)
def test_what_would_undo_an_outcome_of_times_is_on_the_other_side(
    tmp_path: Path, factor: float, outcome: str, change: str
) -> None:
    for seed in range(4):
        for method in ("prefix", "finetune"):
            seconds = (100.0 + seed) * (factor if method == "prefix" else 1.0)
            costs = {
                "train_seconds": seconds,
                "train_tokens": 1000,
                "decode_seconds": 1.0,
                "peak_memory_bytes": None,
            }
            write_record(tmp_path, settings={"method.name": method, "seed": seed}, result={"costs": costs})
    (evidence,) = findings(tmp_path)["C21"].evidence
    assert (evidence.outcome, evidence.change) == (outcome, change)
