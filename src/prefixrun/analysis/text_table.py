"""A table as Markdown, LaTeX or CSV. Nothing here knows what its texts mean; control characters become escapes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from prefixrun.console import Table, visible

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
    "×": r"$\times$",
    "→": r"$\rightarrow$",
    "“": "``",
    "”": "''",
    "…": r"\ldots{}",
    "·": r"$\cdot$",
    "Δ": r"$\Delta$",
    "\u202f": r"\,",
}


def markdown(table: Table, level: int = 2) -> str:
    """Title (where it has one), table and notes, with a blank line between them."""
    marks = tuple("---:" if column.is_number else "---" for column in table.columns)
    lines = [tuple(column.heading for column in table.columns), marks, *(row.cells for row in table.rows)]
    body = "\n".join("| " + " | ".join(map(_markdown_text, line)) + " |" for line in lines)
    notes = "\n".join(f"* {_markdown_text(note)}" for note in table.notes)
    heading = f"{'#' * level} {_markdown_text(table.title)}" if table.title else ""
    return "\n\n".join(part for part in (heading, body, notes) if part) + "\n"


def latex(table: Table) -> str:
    """A table float with booktabs rules, also between sections; notes below it."""
    columns = "".join("r" if column.is_number else "l" for column in table.columns)
    lines = [r"\begin{table}", r"\centering\small", rf"\caption{{{latex_text(table.title)}}}"]
    lines += [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", _latex_row([c.heading for c in table.columns])]
    for section in table.sections:
        lines += [r"\midrule", *(_latex_row(row.cells) for row in section.rows)]
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\par\footnotesize {latex_text(note)}" for note in table.notes]
    return "\n".join((*lines, r"\end{table}")) + "\n"


def latex_text(text: str) -> str:
    """A text in which nothing is a command."""
    return "".join(_LATEX.get(sign, sign) for sign in visible(text))


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Comma-separated values with a heading line; None is empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(
        ["" if value is None else visible(value) if isinstance(value, str) else value for value in row] for row in rows
    )
    return stream.getvalue()


def plain(value: float | None) -> str | None:
    """Enough digits to calculate with, and the same on every machine."""
    return None if value is None else f"{value:.6g}"


def _markdown_text(text: str) -> str:
    return visible(text).replace("|", "\\|").replace("\n", " ")


def _latex_row(row: Sequence[str]) -> str:
    return " & ".join(map(latex_text, row)) + r" \\"
