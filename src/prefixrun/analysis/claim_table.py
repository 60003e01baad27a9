"""All claims in one table: what the paper says, what the runs say, how sure that is and what would change it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from prefixrun.analysis.claim_rules import Evidence, Outcome
from prefixrun.analysis.claims import Finding
from prefixrun.console import NONE
from prefixrun.results.display_names import MODELS

HEADING = "| claim | paper | here | outcome | how sure | what would change it |"
_MODEL = re.compile(rf", ({'|'.join(map(re.escape, sorted(MODELS.values(), key=len, reverse=True)))})(?=[, ])")
"""A model in the text of evidence; the longest name first, as GPT-2 begins that of GPT-2 Medium."""

ORDER = ("undecided", "too few runs", "unequal")
"""Of the evidence of a claim that is open, the first of these stands for it."""


def claim_table(findings: Sequence[Finding]) -> str:
    """A row for each claim, in Markdown. Models are named where the evidence has several."""
    texts = [piece.text for finding in findings for piece in finding.evidence]
    names_model = len({model for text in texts for model in _MODEL.findall(text)}) > 1
    rows = [" | ".join(cell.replace("|", "\\|") for cell in _row(finding, names_model)) for finding in findings]
    return "\n".join([HEADING, "|---|---|---|---|---|---|", *(f"| {row} |" for row in rows)])


def _row(finding: Finding, names_model: bool) -> tuple[str, ...]:
    claim, piece = finding.claim, _telling(finding)
    head = (f"{claim.name}: {claim.statement}", claim.paper)
    if piece is None:
        return (*head, NONE, f"**{finding.outcome}**", NONE, claim.obstacle or claim.waiting or claim.needs)
    measured, _, units = piece.text.partition(", n = ")
    here = measured.partition("; ")[0] if names_model else briefly(measured)
    return (*head, here, f"**{finding.outcome}**", _sureness(finding, units), piece.change or NONE)


def _telling(finding: Finding) -> Evidence | None:
    """The first piece of evidence with the claim's own outcome; of an open claim the nearest to deciding, or else the
    first, where another rule has none."""
    wanted: tuple[Outcome | str, ...] = (finding.outcome, *ORDER)
    pieces = [piece for outcome in wanted for piece in finding.evidence if piece.outcome == outcome]
    return next(iter((*pieces, *finding.evidence)), None)


def briefly(measured: str) -> str:
    """A piece of evidence without the model in its midst and without the notes behind it."""
    return _MODEL.sub("", measured.partition("; ")[0], count=1)


def _sureness(finding: Finding, units: str) -> str:
    """How many independent units, and how many pieces of evidence say the same."""
    n = units.partition(" (")[0].partition(";")[0].partition(",")[0]
    outcomes = [piece.outcome for piece in finding.evidence]
    parts = [f"n = {n}"] if n else []
    if finding.outcome in ("holds", "does not hold"):
        weighed = [outcome for outcome in outcomes if outcome in ("holds", "does not hold", "undecided")]
        side = "for" if finding.outcome == "holds" else "against"
        parts.append(f"{weighed.count(finding.outcome)} of {len(weighed)} comparisons {side} it")
    else:
        counts = ((outcome, outcomes.count(outcome)) for outcome in dict.fromkeys(outcomes))
        parts.append("evidence: " + ", ".join(f"{number} {outcome}" for outcome, number in counts))
    return "; ".join(parts)
