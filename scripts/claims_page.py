"""Write the table of all claims, from the committed runs, into docs/REPRODUCTION.md, between its two markers.

python scripts/claims_page.py docs/REPRODUCTION.md
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from marked_part import replaced, rewrite

from prefixrun.analysis.claim_table import claim_table
from prefixrun.analysis.claims import Finding

MARKERS = "<!-- claims: scripts/claims_page.py -->", "<!-- /claims -->"


def updated(page: str, findings: Sequence[Finding]) -> str:
    """The page with the table of today between its markers."""
    return replaced(page, MARKERS, claim_table(findings))


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]), updated)
