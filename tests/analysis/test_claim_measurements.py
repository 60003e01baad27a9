"""What measurements beside the records say."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from claim_findings import findings, write_four
from prefixrun.analysis.claim_measurements import MIXED_BATCH, TRAINING_SPEED, mixed_batches, step_times
from prefixrun.analysis.claims import Finding
from prefixrun.errors import DamagedStateError
from synthetic_records import groups_in

ROUNDS = [{"mixed": 1.0, "separate": 2.5, "one_prefix": 0.9}, {"mixed": 1.1, "separate": 2.4, "one_prefix": 1.0}]


def write(tree: Path, **changes: Any) -> Path:
    content = {"model": "smollm2_135m", "prefixes": 8, "prefix_len": 10, "requests": 8, "equal": 8}
    path = tree / MIXED_BATCH
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**content, "seconds": [*ROUNDS, ROUNDS[0]], **changes}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "holds"),
        ({"equal": 7}, "does not hold"),
        ({"seconds": ROUNDS}, "too few runs"),
        ({"seconds": [{**each, "separate": 0.3} for each in (*ROUNDS, *ROUNDS)]}, "does not hold"),
        ({"seconds": [*ROUNDS, {"mixed": 9.0, "separate": 1.0, "one_prefix": 1.0}]}, "undecided"),
    ],
)
def test_outputs_must_be_equal_and_the_batch_faster(tmp_path: Path, changes: dict[str, Any], outcome: str) -> None:
    write(tmp_path, **changes)
    assert claim(tmp_path, "C23").evidence[0].outcome == outcome


def test_the_evidence_has_its_numbers(tmp_path: Path) -> None:
    write(tmp_path)
    text = claim(tmp_path, "C23").evidence[0].text
    assert text.startswith(
        "SmolLM2-135M, 8 prefixes of 10 positions in one batch: 8 of 8 outputs are those of separate"
    )
    assert "in 0.42 times [0." in text
    assert "(1.11 times that of a batch with one prefix), n = 3" in text


def test_a_measurement_beside_the_records_decides_the_claim(tmp_path: Path) -> None:
    write_four(tmp_path, "prefix", 0.7, seeds=[1])
    assert findings(tmp_path)["C23"].outcome == "no runs"
    write(tmp_path)
    assert findings(tmp_path)["C23"].outcome == "holds"


DESCRIBED = {"requests": 1, "equal": 1, "prefixes": 8, "prefix_len": 10, "model": "m", "batch_size": 16}
ONES = {"separate": 1.0, "one_prefix": 1.0, "prefix 10": 1.0}


@pytest.mark.parametrize(
    "content",
    [
        *({}, [], {"requests": "many"}),
        *({**DESCRIBED, "seconds": seconds} for seconds in ([], None, [1.0], [{"mixed": 1.0}])),
        *(
            {**DESCRIBED, "precision": "fp32", "seconds": [{**ONES, "mixed": time, "finetune": time} for time in times]}
            for times in ([0.0], [-1.0], [1e-300, 1e300])
        ),
    ],
    ids=repr,
)
def test_another_form_is_named(tmp_path: Path, content: object) -> None:
    write_four(tmp_path, "prefix", 0.7, seeds=[1])
    groups = groups_in(tmp_path)
    times = partial(step_times, first="prefix 10", second="finetune", most=1.0, slower_contradicts=True)
    for file, evidence in ((MIXED_BATCH, mixed_batches), (TRAINING_SPEED, times)):
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(DamagedStateError, match=rf"{file.stem}\.json.*run scripts/{file.stem}\.py again"):
            list(evidence(groups))


SPEEDS = {"prefix 1": 6.0, "prefix 10": 6.1, "prefix 40": 6.3, "finetune": 17.0}


@pytest.mark.parametrize(
    ("name", "changes", "rounds", "outcome", "text"),
    [
        ("C21", {}, 5, "holds", "of prefix-tuning of length 10 is 0.36 times [0.36, 0.36] that of fine-tuning, n = 5"),
        ("C21", {"finetune": 6.1}, 5, "undecided", "1.00 times"),
        ("C21", {"finetune": 5.0}, 5, "does not hold", "1.22 times"),
        ("C14", {}, 5, "holds", "of length 40 is 1.05 times"),
        ("C14", {"prefix 40": 8.0}, 5, "does not hold", "1.33 times"),
        ("C14", {}, 2, "too few runs", "n = 2"),
    ],
)
def test_times_of_training_steps_in_rounds(
    tmp_path: Path, name: str, changes: dict[str, float], rounds: int, outcome: str, text: str
) -> None:
    path = tmp_path / TRAINING_SPEED
    path.parent.mkdir()
    measured = {"model": "smollm2_135m", "precision": "fp32", "batch_size": 16}
    path.write_text(json.dumps({**measured, "seconds": [{**SPEEDS, **changes}] * rounds}), encoding="utf-8")
    (evidence,) = claim(tmp_path, name).evidence
    assert evidence.outcome == outcome
    assert text in evidence.text


def claim(tree: Path, name: str) -> Finding:
    """A claim, judged by one run and what was measured beside it."""
    write_four(tree, "prefix", 0.7, seeds=[1])
    return findings(tree)[name]
