"""The paper's claims, in our words, and what the runs at hand say about each.

Runs on the sample corpus, on tasks that the paper does not have or on random models say nothing about it and are left
out. Runs on another backbone than the paper's can show whether an ordering appears there too; every piece of evidence
names its backbone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prefixrun.analysis.claim_list import CLAIMS, Claim
from prefixrun.analysis.claim_rules import Evidence, Outcome, outcome_of
from prefixrun.analysis.comparability import speaks_of_the_paper
from prefixrun.analysis.comparison import ENOUGH
from prefixrun.analysis.groups import RunGroup, run_groups
from prefixrun.analysis.verdicts import LOOK_LEVEL, MOST_UNITS
from prefixrun.results.record import Record

INTRODUCTION = (
    "A claim holds when all evidence says so, does not hold when one piece contradicts it, and is undecided otherwise. "
    "One of a difference is contradicted, too, by an interval that lies within the margin on both sides of 0. "
    f"Intervals: over seeds and inputs, {100 * LOOK_LEVEL:.1f} %, so that looks after {ENOUGH} to {MOST_UNITS} seeds "
    "together err in 5 % of cases; not corrected for the number of claims. From fewer than three independent seeds, "
    "or subsamples where a part of the data was drawn, nothing is decided, for or against. Pairs of a training that "
    "ends within an epoch are steps times the size of a batch; with several targets behind an input batches are "
    "seldom full, and it sees a few per cent less, on both sides. Each side stands for its method "
    "by the setting of the lowest development loss. Sides of unequal training or length are shown as unequal and "
    "decide nothing; runs that were scored again on more inputs count once, with these. How many more seeds it would "
    "take supposes that mean and spread stay as they are. Margins are those of the tables. The paper's numbers are of "
    "its ACL version, prefix-tuning first; runs of another model or with less training have none to be compared with: "
    "of these the order of methods is looked at. Written by `prefixrun tables`."
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What the runs say about one claim."""

    claim: Claim
    outcome: Outcome
    evidence: tuple[Evidence, ...]


def evaluate(records: Iterable[Record]) -> list[Finding]:
    """Every claim with what the records say about it."""
    groups = run_groups(record for record in records if speaks_of_the_paper(record))
    return [_finding(claim, groups) for claim in CLAIMS]


def markdown(findings: Sequence[Finding], table: str) -> str:
    """One page: the table of claim_table.py, then the evidence."""
    lines = ["# The paper's claims and these runs", "", INTRODUCTION, "", table]
    for finding in findings:
        if not finding.evidence:
            continue
        lines += [
            "",
            f"## {finding.claim.name}: {finding.outcome}",
            "",
            f"{finding.claim.statement} Judged by: {finding.claim.needs}.",
            "",
        ]
        lines += [f"* {evidence.outcome}: {evidence.text}{_runs(evidence)}" for evidence in finding.evidence]
    lines += ["", "## Not judged", ""]
    lines += [f"* {_why_not(finding)}" for finding in findings if not finding.evidence]
    return "\n".join(lines) + "\n"


def _why_not(finding: Finding) -> str:
    claim = finding.claim
    parts = (claim.needs, claim.obstacle, claim.waiting)
    return f"{claim.name} ({finding.outcome}): {'. '.join(filter(None, parts))}."


def _finding(claim: Claim, groups: Sequence[RunGroup]) -> Finding:
    if not claim.rules:
        return Finding(claim, "cannot be tested here", ())
    evidence = [tuple(rule(groups)) for rule in claim.rules]
    pieces = tuple(piece for of_rule in evidence for piece in of_rule)
    outcome: Outcome = "cannot be tested here" if claim.obstacle and not pieces else outcome_of(evidence)
    return Finding(claim, outcome, pieces)


def _runs(evidence: Evidence) -> str:
    shown = evidence.run_ids[:4]
    rest = len(evidence.run_ids) - len(shown)
    return f" · runs {', '.join(shown)}" + (f" and {rest} more" if rest else "") if shown else ""
