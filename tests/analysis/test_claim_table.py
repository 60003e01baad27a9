"""The table of all claims."""

from pathlib import Path

import pytest

from claim_findings import write_four
from prefixrun.analysis.claim_table import HEADING, briefly, claim_table
from prefixrun.analysis.claims import evaluate
from prefixrun.results.records import load_records


def test_a_row_says_what_holds_how_sure_it_is_and_what_would_change_it(tmp_path: Path) -> None:
    write_four(tmp_path, "prefix", 0.7)
    write_four(tmp_path, "embedding", 0.3)
    write_four(tmp_path, "infix", 0.7, seeds=[0])
    lines = claim_table(evaluate(load_records(tmp_path).runs)).splitlines()
    assert lines[0] == HEADING
    rows = {line[2:].partition(":")[0]: [cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]}
    assert list(rows) == [f"C{number}" for number in range(1, 25)]
    assert {len(cells) for cells in rows.values()} == {6}
    _, paper, here, outcome, sure, change = rows["C15"]
    assert paper == "BLEU 62.2 at best against 70.3"
    assert here.startswith("E2E, 42,061 pairs: BLEU of prefix-tuning (init=words, length 10) minus embedding-only")
    assert (outcome, sure) == ("**holds**", "n = 4; 1 of 1 comparisons for it")
    assert change.startswith("runs that move the interval by ")
    assert rows["C16"][3:] == [
        "**undecided**",
        "n = 1; evidence: 1 too few runs",
        "at least 2 more seeds before anything is decided",
    ]
    assert rows["C4"][2:5] == ["–", "**cannot be tested here**", "–"]
    assert "774 million" in rows["C4"][5]
    assert "experiment=table3_xsum" in rows["C6"][5]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "E2E, GPT-2 Medium, 42,061 pairs: BLEU of prefix-tuning; one setting",
            "E2E, 42,061 pairs: BLEU of prefix-tuning",
        ),
        ("E2E, GPT-2, 42,061 pairs", "E2E, 42,061 pairs"),
        ("E2E, GPT-2 Large on NVIDIA H200, 42,061 pairs", "E2E on NVIDIA H200, 42,061 pairs"),
        ("E2E, mine, 42,061 pairs", "E2E, mine, 42,061 pairs"),
    ],
)
def test_evidence_is_brief_without_its_model(text: str, expected: str) -> None:
    """GPT-2 Medium left its second half behind."""
    assert briefly(text) == expected


def test_of_several_models_each_is_named(tmp_path: Path) -> None:
    for model in ("smollm2_135m", "gpt2_medium"):
        write_four(tmp_path, "prefix", 0.7, **{"model.name": model})
        write_four(tmp_path, "embedding", 0.3, **{"model.name": model})
    (row,) = [
        line for line in claim_table(evaluate(load_records(tmp_path).runs)).splitlines() if line[2:].startswith("C15:")
    ]
    assert "E2E, GPT-2 Medium, 42,061 pairs" in row
