"""Write the table of all claims, from the committed runs, into docs/REPRODUCTION.md, between its two markers.

python scripts/claims_page.py docs/REPRODUCTION.md
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from prefixrun.analysis.claim_table import claim_table
from prefixrun.analysis.claims import Finding, evaluate
from prefixrun.files import write_text
from prefixrun.results.records import load_records

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- claims: scripts/claims_page.py -->", "<!-- /claims -->"


def updated(page: str, findings: Sequence[Finding]) -> str:
    """The page with the table of today between its markers."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{claim_table(findings)}\n\n{END}{after}"


def main(path: Path) -> None:
    """Write the table into a page."""
    page = path.read_text(encoding="utf-8")
    if BEGIN not in page or END not in page:
        sys.exit(f"{path}: has no lines {BEGIN} and {END}")
    write_text(path, updated(page, evaluate(load_records(ROOT / "results").runs)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
