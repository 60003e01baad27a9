"""What a measurement of mixed batches says."""

import json
from pathlib import Path
from typing import Any

import pytest

from claim_findings import findings, write_four
from prefixrun.analysis.claim_mixing import FILE, read
from prefixrun.errors import DamagedStateError

ROUNDS = [{"mixed": 1.0, "separate": 2.5, "one_prefix": 0.9}, {"mixed": 1.1, "separate": 2.4, "one_prefix": 1.0}]


def write(tree: Path, **changes: Any) -> Path:
    content = {"model": "smollm2_135m", "prefixes": 8, "prefix_len": 10, "requests": 8, "equal": 8}
    path = tree / FILE
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
    evidence = read(write(tmp_path, **changes))
    assert evidence.outcome == outcome


def test_the_evidence_has_its_numbers(tmp_path: Path) -> None:
    text = read(write(tmp_path)).text
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


@pytest.mark.parametrize("content", ["{}", '{"requests": "many"}', '{"requests": 1, "equal": 1, "seconds": []}'])
def test_another_form_is_named(tmp_path: Path, content: str) -> None:
    path = write(tmp_path)
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DamagedStateError, match=r"mixed_batch\.json.*run scripts/mixed_batch\.py again"):
        read(path)
