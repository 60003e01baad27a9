"""Claims of the paper as the page shows them."""

from pathlib import Path
from typing import get_args

from prefixrun.analysis.claim_rules import Outcome
from prefixrun.analysis.claims import CLAIMS
from prefixrun.analysis.html.findings import OUTCOMES, claims, summary
from prefixrun.results.records import load_records
from synthetic_records import write_record


def test_every_outcome_has_its_mark() -> None:
    assert set(OUTCOMES) == set(get_args(Outcome))


def test_without_runs_every_claim_says_what_it_needs(tmp_path: Path) -> None:
    shown = claims(load_records(tmp_path).runs)
    assert [claim.name for claim in shown] == [claim.name for claim in CLAIMS]
    assert {claim.outcome for claim in shown} <= {"no runs", "not computed"}
    assert all(claim.needs and not claim.evidence for claim in shown)
    assert sum(number for _, _, number in summary(shown)) == len(CLAIMS)


def test_evidence_names_its_runs_by_their_directories(tmp_path: Path) -> None:
    names = set()
    for seed in (1, 2, 3):
        for method, quality in (("prefix", 0.7), ("finetune", 0.5)):
            for size in (50, 500):
                settings = {"method.name": method, "seed": seed, "train_size": size}
                names.add(write_record(tmp_path, settings=settings, quality=quality).name)
    shown = {claim.name: claim for claim in claims(load_records(tmp_path).runs)}
    low_data = shown["C8"]
    assert (low_data.outcome, low_data.kind) == ("holds", "good")
    assert low_data.evidence
    assert {name for piece in low_data.evidence for name in piece.runs} == names
