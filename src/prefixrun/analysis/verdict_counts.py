"""How many of the paper's numbers are reproduced, and how many of its claims hold, in a few lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from prefixrun.analysis.claim_rules import Outcome
from prefixrun.analysis.claims import Finding
from prefixrun.analysis.equivalence import Kind
from prefixrun.analysis.paper_tables import Section, Table
from prefixrun.results import display_names

MISSING: Kind = "no runs"
SHOWN: Mapping[Kind, str] = {MISSING: "missing"}
"""Kinds of verdicts that have another name in the summary."""


def verdict_counts(tables: Sequence[Table]) -> Iterator[tuple[Table, Section, Counter[Kind]]]:
    """How many cells of each table and task have which verdict.

    Rows of ours that may not stand beside the paper's are not comparable; the best earlier systems have no verdict.
    """
    for table in tables:
        for section in table.sections:
            kinds: Counter[Kind] = Counter()
            for row in section.rows:
                judged = row.paper is not None and row.paper.method != "sota"
                for cell in row.cells:
                    if cell.ours is not None:
                        kinds[cell.judgement.kind if cell.judgement else "not comparable"] += 1
                    elif judged and cell.paper is not None:
                        kinds[MISSING] += 1
            yield table, section, kinds


def summary(tables: Sequence[Table], findings: Sequence[Finding]) -> str:
    """A line for each table and task, and one for the claims."""
    kinds = get_args(Kind)
    rows = [
        (
            f"{table.version} {table.number}, {display_names.of_task(section.task)}",
            *(str(counts[kind]) for kind in kinds),
        )
        for table, section, counts in verdict_counts(tables)
    ]
    heading = ("cells of the paper's tables", *(SHOWN.get(kind, kind) for kind in kinds))
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    lines = ["  ".join((row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:]))) for row in (heading, *rows)]
    outcomes = Counter(finding.outcome for finding in findings)
    claims = ", ".join(f"{outcome} {outcomes[outcome]}" for outcome in get_args(Outcome) if outcomes[outcome])
    return "\n".join((*lines, "", f"{len(findings)} claims of the paper: {claims}"))
