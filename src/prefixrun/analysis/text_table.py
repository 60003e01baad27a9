"""A table of texts as Markdown, LaTeX or CSV. Nothing here knows what the texts mean."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class TextTable:
    """A heading line and rows of the same length; the first `texts` columns are left-aligned, numbers are right."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1
    notes: tuple[str, ...] = ()
    rules: tuple[int, ...] = field(default=())
    """Rows before which LaTeX draws a line."""


def markdown(table: TextTable, level: int = 2) -> str:
    """Title, table and notes, with a blank line between them."""
    marks = ["---" if position < table.texts else "---:" for position in range(len(table.columns))]
    lines = [table.columns, tuple(marks), *table.rows]
    body = "\n".join("| " + " | ".join(map(_markdown_text, line)) + " |" for line in lines)
    notes = "\n".join(f"* {_markdown_text(note)}" for note in table.notes)
    return "\n\n".join(part for part in (f"{'#' * level} {table.title}", body, notes) if part) + "\n"


def latex(table: TextTable) -> str:
    """A table float with booktabs rules; notes below it."""
    columns = "l" * table.texts + "r" * (len(table.columns) - table.texts)
    lines = [r"\begin{table}", r"\centering\small", rf"\caption{{{latex_text(table.title)}}}"]
    lines += [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", _latex_row(table.columns), r"\midrule"]
    for position, row in enumerate(table.rows):
        if position in table.rules:
            lines.append(r"\midrule")
        lines.append(_latex_row(row))
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\par\footnotesize {latex_text(note)}" for note in table.notes]
    return "\n".join((*lines, r"\end{table}")) + "\n"


def latex_text(text: str) -> str:
    """A text in which nothing is a command."""
    return "".join(_LATEX.get(sign, sign) for sign in text)


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Comma-separated values with a heading line; None is empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    return stream.getvalue()


def plain(value: float | None) -> str | None:
    """Enough digits to calculate with, and the same on every machine."""
    return None if value is None else f"{value:.6g}"


def _markdown_text(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _latex_row(row: Sequence[str]) -> str:
    return " & ".join(map(latex_text, row)) + r" \\"
