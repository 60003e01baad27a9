"""All claims in one table: what the paper says, what the runs say, how sure that is and what would change it."""

from __future__ import annotations

from collections.abc import Sequence

from prefixrun.analysis.claim_rules import Evidence, Outcome
from prefixrun.analysis.claims import Finding
from prefixrun.console import NONE
from prefixrun.results.display_names import MODELS

HEADING = "| claim | paper | here | outcome | how sure | what would change it |"
ORDER = ("undecided", "too few runs", "unequal")
"""Of the evidence of a claim that is open, the first of these stands for it."""


def claim_table(findings: Sequence[Finding]) -> str:
    """A row for each claim, in Markdown."""
    rows = [" | ".join(cell.replace("|", "\\|") for cell in _row(each)) for each in findings]
    return "\n".join([HEADING, "|---|---|---|---|---|---|", *(f"| {row} |" for row in rows)])


def _row(finding: Finding) -> tuple[str, ...]:
    claim, piece = finding.claim, _telling(finding)
    head = (f"{claim.name}: {claim.statement}", claim.paper)
    if piece is None:
        return (*head, NONE, f"**{finding.outcome}**", NONE, claim.obstacle or claim.waiting or claim.needs)
    measured, _, units = piece.text.partition(", n = ")
    return (*head, briefly(measured), f"**{finding.outcome}**", _sureness(finding, units), piece.change or NONE)


def _telling(finding: Finding) -> Evidence | None:
    """The first piece of evidence with the claim's own outcome; of an open claim the nearest to deciding, or else the
    first, where another rule has none."""
    wanted: tuple[Outcome | str, ...] = (finding.outcome, *ORDER)
    pieces = [piece for outcome in wanted for piece in finding.evidence if piece.outcome == outcome]
    return next(iter((*pieces, *finding.evidence)), None)


def briefly(measured: str) -> str:
    """A piece of evidence without the model in its midst and without the notes behind it."""
    text = measured.partition("; ")[0]
    for model in MODELS.values():
        text = text.replace(f", {model}", "", 1)
    return text


def _sureness(finding: Finding, units: str) -> str:
    """How many independent units, and how many pieces of evidence say the same."""
    n = units.partition(" (")[0].partition(";")[0].partition(",")[0]
    outcomes = [piece.outcome for piece in finding.evidence]
    parts = [f"n = {n}"] if n else []
    if finding.outcome in ("holds", "does not hold"):
        weighed = [each for each in outcomes if each in ("holds", "does not hold", "undecided")]
        side = "for" if finding.outcome == "holds" else "against"
        parts.append(f"{weighed.count(finding.outcome)} of {len(weighed)} comparisons {side} it")
    else:
        counts = ((outcome, outcomes.count(outcome)) for outcome in dict.fromkeys(outcomes))
        parts.append("evidence: " + ", ".join(f"{number} {outcome}" for outcome, number in counts))
    return "; ".join(parts)
