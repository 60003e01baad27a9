"""The paper's claims as the page shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prefixrun.analysis.claims import Finding, evaluate
from prefixrun.results.records import Record

OUTCOMES: Mapping[str, str] = {
    "holds": "good",
    "does not hold": "bad",
    "undecided": "open",
    "no runs": "none",
    "not computed": "none",
}
"""Outcome → how it is marked, in the order of the summary."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What some runs say about a claim."""

    outcome: str
    kind: str
    text: str
    runs: tuple[str, ...]
    """Names of the runs' directories."""


@dataclass(frozen=True, slots=True)
class ShownClaim:
    """One claim with its evidence."""

    name: str
    statement: str
    section: str
    needs: str
    outcome: str
    kind: str
    evidence: tuple[Piece, ...]


def claims(records: Sequence[Record]) -> tuple[ShownClaim, ...]:
    """Every claim of the paper with what the records say."""
    directories = {record.run_id: record.directory.name for record in records}
    return tuple(_shown(each, directories) for each in evaluate(records))


def summary(shown: Sequence[ShownClaim]) -> list[tuple[str, str, int]]:
    """(mark, outcome, number of claims) for every outcome that some claim has."""
    counts = Counter(claim.outcome for claim in shown)
    return [(kind, outcome, counts[outcome]) for outcome, kind in OUTCOMES.items() if counts[outcome]]


def _shown(finding: Finding, directories: Mapping[str, str]) -> ShownClaim:
    claim = finding.claim
    pieces = tuple(
        Piece(each.outcome, OUTCOMES[each.outcome], each.text, tuple(directories[run_id] for run_id in each.run_ids))
        for each in finding.evidence
    )
    return ShownClaim(
        claim.name, claim.statement, claim.section, claim.needs, finding.outcome, OUTCOMES[finding.outcome], pieces
    )
