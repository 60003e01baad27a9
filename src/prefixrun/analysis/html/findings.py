"""How the page marks what became of the paper's claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from prefixrun.analysis.claim_rules import Outcome
from prefixrun.analysis.claims import Finding
from prefixrun.analysis.verdicts import EvidenceOutcome

OUTCOMES: Mapping[Outcome | EvidenceOutcome, str] = {
    "holds": "good",
    "does not hold": "bad",
    "undecided": "open",
    "unequal": "none",
    "too few runs": "none",
    "no runs": "none",
    "cannot be tested here": "none",
}
"""Outcome of a claim or of one piece of evidence → how it is marked, in the order of the summary."""


def summary(findings: Sequence[Finding]) -> list[tuple[str, str, int]]:
    """(mark, outcome, number of claims) for every outcome that some claim has."""
    counts: Counter[Outcome | EvidenceOutcome] = Counter(finding.outcome for finding in findings)
    return [(kind, outcome, counts[outcome]) for outcome, kind in OUTCOMES.items() if counts[outcome]]
