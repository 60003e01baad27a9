"""Write the tables of claims and of compared methods, from the committed runs, into docs/REPRODUCTION.md.

python scripts/claims_page.py docs/REPRODUCTION.md

Each table stands between two markers, and is a part of results/tables/claims.md or methods.md with fewer columns.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from marked_part import replaced, rewrite

from prefixrun.analysis.claim_table import claim_table
from prefixrun.analysis.claims import evaluate
from prefixrun.analysis.groups import run_groups
from prefixrun.analysis.method_tables import MethodTable, as_texts, method_tables
from prefixrun.analysis.text_table import markdown
from prefixrun.console import simple_table
from prefixrun.results.records import Record

MARKERS = "<!-- claims: scripts/claims_page.py -->", "<!-- /claims -->"
COMPARED = {"e2e": (1_600, "fp32"), "webnlg": (1_920, "bf16")}
"""Task → training pairs seen and number format of its table of methods on the page."""
LEFT_OUT = ("stored", "training tokens", "training s", "memory GiB", "ROUGE-L", "p (Holm)")


def updated(page: str, records: Sequence[Record]) -> str:
    """The page with the tables of today between their markers."""
    page = replaced(page, MARKERS, claim_table(evaluate(records)))
    for table in method_tables(run_groups(records)):
        group, task = table.reference, table.reference.first.task
        if COMPARED.get(task) == (group.seen, group.precision) and group.first.split == "test":
            markers = f"<!-- methods {task}: scripts/claims_page.py -->", f"<!-- /methods {task} -->"
            page = replaced(page, markers, _compared(table))
    return page


def _compared(table: MethodTable) -> str:
    """The rows of a table without what a page on quality has no room for."""
    texts = as_texts(table)
    shown = [index for index, column in enumerate(texts.columns) if column.heading not in LEFT_OUT]
    headings = [texts.columns[index].heading for index in shown]
    rows = [[row.cells[index] for index in shown] for row in texts.rows]
    return markdown(simple_table(headings, rows, numbers=range(1, len(shown)))).rstrip()


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]), updated)
