"""Write what the committed runs say about the paper's claims into README.md, between its two markers.

python scripts/readme_findings.py README.md
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from prefixrun.analysis.claims import Finding, evaluate
from prefixrun.files import write_text
from prefixrun.results.records import load_records

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- findings: scripts/readme_findings.py -->", "<!-- /findings -->"
DECIDED = ("holds", "does not hold")


def table(findings: Sequence[Finding]) -> str:
    """The decided claims with their first deciding evidence, and the names of the others by outcome."""
    lines = ["| the paper says | these runs | with these numbers |", "|---|---|---|"]
    for outcome in DECIDED:
        for each in (one for one in findings if one.outcome == outcome):
            evidence = next((one for one in each.evidence if one.outcome == outcome), None)
            numbers = (
                evidence.text.replace(" (of inputs alone: one run says nothing about seeds)", "") if evidence else ""
            )
            lines.append(f"| {each.claim.name}: {each.claim.statement} | **{outcome}** | {numbers} |")
    rest: dict[str, list[str]] = {}
    for each in findings:
        if each.outcome not in DECIDED:
            rest.setdefault(each.outcome, []).append(each.claim.name)
    names = "; ".join(f"{outcome}: {', '.join(claims)}" for outcome, claims in rest.items())
    return "\n".join([*lines, "", f"The other claims are open ({names})."])


def updated(page: str, findings: Sequence[Finding]) -> str:
    """The page with the table of today between its markers."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{table(findings)}\n\n{END}{after}"


def main(path: Path) -> None:
    """Write the table into a page."""
    page = path.read_text(encoding="utf-8")
    if BEGIN not in page or END not in page:
        sys.exit(f"{path}: has no lines {BEGIN} and {END}")
    write_text(path, updated(page, evaluate(load_records(ROOT / "results").runs)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
