"""Write the tables of claims and of compared methods, and what the runs cost, into docs/REPRODUCTION.md.

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
from prefixrun.results.record import Record

MARKERS = "<!-- claims: scripts/claims_page.py -->", "<!-- /claims -->"
COSTS = "<!-- costs: scripts/claims_page.py -->", "<!-- /costs -->"
COMPARED = {
    "e2e": (1_600, 200, "fp32"),
    "webnlg": (1_920, 300, "bf16"),
    "dart": (1_920, 300, "bf16"),
    "xsum": (400, 100, "bf16"),
}
"""Task → training pairs seen, test inputs and precision of its table of methods on the page."""
LEFT_OUT = ("stored", "training tokens", "training s", "memory GiB", "p (Holm)")


def updated(page: str, records: Sequence[Record]) -> str:
    """The page with the tables of today between their markers."""
    page, tables = replaced(page, MARKERS, claim_table(evaluate(records))), method_tables(run_groups(records))
    page = replaced(page, COSTS, _costs(records))
    for task in COMPARED:
        table = next((each for each in tables if _belongs(each, task)), None)
        if table is None:
            sys.exit(f"no committed runs of {task} have the training that the page compares")
        markers = f"<!-- methods {task}: scripts/claims_page.py -->", f"<!-- /methods {task} -->"
        page = replaced(page, markers, _compared(table))
    return page


def _costs(records: Sequence[Record]) -> str:
    """How much was computed."""
    trained = (record for record in records if record.own_training)
    training, decoding = (
        sum(record.result["costs"].get(part) or 0.0 for record in of_part) / 3600
        for of_part, part in ((trained, "train_seconds"), (records, "decode_seconds"))
    )
    return f"{len(records)} committed runs: {training:.1f} hours of training, {decoding:.1f} of decoding."


def _belongs(table: MethodTable, task: str) -> bool:
    """Whether it compares methods on the whole model with the training of the page."""
    group, first = table.reference, table.reference.first
    is_whole = first.settings.get("model.layers") is None
    compared = group.seen, first.result["n_inputs"], group.precision
    return (first.task, first.split, compared) == (task, "test", COMPARED[task]) and is_whole


def _compared(table: MethodTable) -> str:
    """The rows of a table without what a page on quality has no room for."""
    texts = as_texts(table)
    left_out = LEFT_OUT if table.reference.first.task == "xsum" else (*LEFT_OUT, "ROUGE-L")
    shown = [index for index, column in enumerate(texts.columns) if column.heading not in left_out]
    headings = [texts.columns[index].heading for index in shown]
    rows = [[row.cells[index] for index in shown] for row in texts.rows]
    return markdown(simple_table(headings, rows, numbers=range(1, len(shown)))).rstrip()


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]), updated)
