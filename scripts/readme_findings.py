"""Write what the committed runs say about the paper's claims into README.md, between its two markers.

python scripts/readme_findings.py README.md
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from marked_part import replaced, rewrite

from prefixrun.analysis.claim_table import briefly
from prefixrun.analysis.claims import Finding, evaluate
from prefixrun.results.record import Record

MARKERS = "<!-- findings: scripts/readme_findings.py -->", "<!-- /findings -->"
DECIDED = ("holds", "does not hold")


def table(findings: Sequence[Finding]) -> str:
    """The decided claims with their first deciding evidence, and the names of the others by outcome."""
    lines = ["| the paper says | these runs | with these numbers |", "|---|---|---|"]
    for outcome in DECIDED:
        for each in (one for one in findings if one.outcome == outcome):
            evidence = next((one for one in each.evidence if one.outcome == outcome), None)
            numbers = briefly(evidence.text).partition(" (over")[0] if evidence else ""
            lines.append(f"| {each.claim.name}: {each.claim.statement} | **{outcome}** | {numbers} |")
    rest: dict[str, list[str]] = {}
    for each in findings:
        if each.outcome not in DECIDED:
            rest.setdefault(each.outcome, []).append(each.claim.name)
    names = "; ".join(f"{outcome}: {', '.join(claims)}" for outcome, claims in rest.items())
    return "\n".join([*lines, "", f"The other claims are open ({names})."])


def updated(page: str, records: Sequence[Record]) -> str:
    """The page with the table of today between its markers."""
    return replaced(page, MARKERS, table(evaluate(records)))


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]), updated)
