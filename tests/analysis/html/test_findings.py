"""Claims of the paper as the page shows them."""

from pathlib import Path
from typing import get_args

from prefixrun.analysis.claim_list import CLAIMS
from prefixrun.analysis.claim_rules import Outcome
from prefixrun.analysis.claims import evaluate
from prefixrun.analysis.html.findings import OUTCOMES, summary
from prefixrun.analysis.verdicts import EvidenceOutcome
from prefixrun.results.records import load_records
from synthetic_records import write_record


def test_every_outcome_has_its_mark() -> None:
    assert set(OUTCOMES) == {*get_args(Outcome), *get_args(EvidenceOutcome)}


def test_the_summary_counts_every_claim_once(tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        for method, quality in (("prefix", 0.7), ("finetune", 0.5)):
            for size in (50, 500):
                settings = {"method.name": method, "seed": seed, "train_size": size}
                write_record(tmp_path, settings=settings, quality=quality)
    for results, outcomes in (
        (tmp_path, {"holds", "no runs"}),
        (tmp_path / "none", {"no runs", "cannot be tested here"}),
    ):
        counted = summary(evaluate(load_records(results).runs))
        assert outcomes <= {outcome for _, outcome, _ in counted}
        assert sum(number for _, _, number in counted) == len(CLAIMS)
        assert all(OUTCOMES[outcome] == kind for kind, outcome, _ in counted)
