"""A table of texts for a terminal or a pipe: one line a row, columns aligned, nothing wrapped."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.cells import cell_len

NONE = "–"
"""A cell without a value."""

GAP = "  "


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    """Heading and rows as lines; the columns at the positions `right` are numbers, aligned at their ends."""
    lines = [columns, *rows]
    widths = [max(cell_len(line[place]) for line in lines) for place in range(len(columns))]
    return "\n".join(
        GAP.join(_cell(text, widths[place], place in right) for place, text in enumerate(line)).rstrip()
        for line in lines
    )


def _cell(text: str, width: int, is_right: bool) -> str:
    blank = " " * (width - cell_len(text))
    return blank + text if is_right else text + blank
