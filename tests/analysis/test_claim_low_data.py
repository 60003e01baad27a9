"""What runs say about the claim on little data, over several sizes."""

import re
from pathlib import Path
from typing import Any

import pytest

from claim_findings import LOW, THREE, findings, prefix, write_sides, write_subsamples
from claim_findings import other as other_method


@pytest.mark.parametrize(
    ("prefix", "finetune", "outcome"), [(0.7, 0.4, "holds"), (0.4, 0.7, "does not hold"), (0.5, 0.5, "undecided")]
)
def test_low_data_is_judged_over_all_sizes(tmp_path: Path, prefix: float, finetune: float, outcome: str) -> None:
    for size in (50, 100, 500):
        write_subsamples(tmp_path, "prefix", prefix, train_size=size)
        write_subsamples(tmp_path, "finetune", finetune, train_size=size)
    found = findings(tmp_path)["C8"]
    assert found.outcome == outcome
    (evidence,) = found.evidence
    assert "mean over 50, 100, 500 pairs: BLEU of prefix-tuning (init=words) minus fine-tuning" in evidence.text
    assert re.search(r"\[[+−][\d.]+, [+−][\d.]+\], n = 4", evidence.text)
    assert len(evidence.run_ids) == 24


def test_without_common_subsamples_low_data_has_evidence_that_says_so(tmp_path: Path) -> None:
    for size, subsamples in ((50, (1, 2, 3)), (100, (4, 5, 6))):
        sides = (prefix(seeds=(1,), subsamples=subsamples), other_method("finetune", seeds=(1,), subsamples=subsamples))
        write_sides(tmp_path, *(side | LOW | {"train_size": size} for side in sides))
    (evidence,) = findings(tmp_path)["C8"].evidence
    assert evidence.outcome == "too few runs"
    assert "no seed and subsample has both methods at each size" in evidence.text


@pytest.mark.parametrize(
    "more", [{"train_size": 300}, {"train_size": 500}, {"test_size": 547, "result": {"n_inputs": 547}}]
)
def test_further_runs_take_no_evidence_away(tmp_path: Path, more: dict[str, Any]) -> None:
    subsamples = (1,) if "train_size" in more else THREE
    for size, settings, drawn in ((50, {}, THREE), (100, {}, THREE), (100, more, subsamples)):
        every = LOW | {"train_size": size, "seeds": (1,), "subsamples": drawn} | settings
        write_sides(tmp_path, prefix(0.3, **every), other_method("finetune", 0.7, **every))
    found = findings(tmp_path)["C8"]
    assert found.outcome == "does not hold"
    assert any("mean over 50, 100 pairs" in each.text for each in found.evidence)


def test_a_size_that_is_the_whole_corpus_has_no_subsamples(tmp_path: Path) -> None:
    """It is left out, and takes no seed from the others."""
    for size in (50, 100, 150):
        result = {"n_train": size, "n_train_available": 150}
        for method, quality in (("prefix", 0.7), ("finetune", 0.3)):
            for seed in range(1, 5):
                side = other_method(method, quality, seeds=(seed,), subsamples=(seed,), result=result)
                write_sides(tmp_path, side | LOW | {"train_size": size if size < 150 else None})
    (evidence,) = findings(tmp_path)["C8"].evidence
    assert (evidence.outcome, "mean over 50, 100 pairs" in evidence.text) == ("holds", True)


@pytest.mark.parametrize("inputs", [547, 200])
def test_sizes_scored_again_on_more_inputs_are_one_mean(tmp_path: Path, inputs: int) -> None:
    for size in (50, 100):
        for scored in (100, inputs):
            more = LOW | {"train_size": size, "test_size": scored, "result": {"n_inputs": scored}, "seeds": (1,)}
            sides = (prefix(0.3, **more), other_method("finetune", 0.7, **more))
            write_sides(tmp_path, *(side | {"subsamples": THREE} for side in sides))
    (evidence,) = findings(tmp_path)["C8"].evidence
    assert (evidence.outcome, len(evidence.run_ids)) == ("does not hold", 12)
