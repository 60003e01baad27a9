"""What is printed: plain text, labelled texts, and tables of text.

No other module creates a console.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import TextIOWrapper
from typing import Any
from unicodedata import category

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from prefixrun.errors import BROKEN_PIPE_EXIT_CODE, writing_output


def terminal() -> Console:
    """Standard output; characters that it cannot show become question marks instead of an error."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return _Terminal(highlight=False, emoji=False)


class _Terminal(Console):
    """Makes all text visible, and ends the program as the system ends others when nobody reads on (`| head`)."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """The segments of everything that is printed, whatever printed it."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))

    def print(self, *objects: Any, **options: Any) -> None:
        with writing_output():
            super().print(*objects, **options)

    def on_broken_pipe(self) -> None:
        with suppress(SystemExit):
            super().on_broken_pipe()  # nothing more is written
        raise SystemExit(BROKEN_PIPE_EXIT_CODE)


def print_text(text: str) -> None:
    """Print plain text, at once and unwrapped."""
    terminal().print(visible(text), markup=False, soft_wrap=True)


LONGEST_ERROR = 1500
"""Characters of the beginning of an error; what quotes a file or an argument may be as long as that."""


def print_error(text: str) -> None:
    """Print plain text to standard error, its middle left out where it is long; nothing where that is closed."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{_without_middle(visible(text))}\n")
        sys.stderr.flush()


def _without_middle(text: str) -> str:
    """At most LONGEST_ERROR characters of the beginning, and the end, which says what to do."""
    end = LONGEST_ERROR // 5
    if len(text) <= LONGEST_ERROR + end:
        return text
    return f"{text[:LONGEST_ERROR]}… ({len(text) - LONGEST_ERROR - end:,} characters more) …{text[-end:]}"


def visible(text: str) -> str:
    """A text as a terminal may show it: what is no printable character becomes its escape, as in ``\\x1b``.

    Names, values and outputs may hold anything: control characters steer a terminal, bidirectional marks reorder a
    line, and halves of a character cannot be written. Spaces and line breaks stay.
    """
    return "".join(sign if _is_shown(sign) else sign.encode("unicode_escape").decode() for sign in text)


def _is_shown(sign: str) -> bool:
    return sign.isprintable() or sign in "\n\t" or category(sign) == "Zs"


def print_labelled(
    console: Console, texts: Iterable[tuple[str, str]], *, indent: int = 0, strong: str = "verdict"
) -> None:
    """Texts behind a column of labels, wrapped to the console's width within their own column."""
    column = indent + 11
    for label, text in texts:
        content = Text(visible(text), style="bold" if label == strong else "")
        for number, line in enumerate(content.wrap(console, max(20, console.width - column))):
            line.rstrip()
            head = " " * indent + label if number == 0 else ""
            console.print(Text(set_cell_size(head, column), style="dim") + line, soft_wrap=True)


def format_duration(seconds: float) -> str:
    """For people: seconds, minutes and seconds, or hours and minutes."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"


def format_about(seconds: float) -> str:
    """An estimate for people, with no more digits than it has: `40 s`, `4 min`, `2.5 h`, `12 days`."""
    if seconds < 55:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < 55 * 60:
        return f"{max(1, round(seconds / 60))} min"
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 10 else f"{hours:.0f} h" if hours < 48 else f"{hours / 24:,.0f} days"


def count(amount: int, noun: str) -> str:
    """``1 run``, ``2 runs``."""
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"


NONE = "–"
"""A cell without a value."""

_GAP = 2
_WRAPPED_WIDTH = 24
"""Cells that a last column of texts has at least when it is wrapped."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: texts begin together, numbers end together."""

    heading: str = ""
    """Of several lines where there is a line break in it."""
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One cell for each column."""

    cells: tuple[str, ...]
    is_strong: bool = False
    """Whether it stands out from the others."""


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that belong together, with or without a heading."""

    rows: tuple[Row, ...]
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The content of a table; print_table shows it, analysis.text_table writes it to files."""

    columns: tuple[Column, ...]
    sections: tuple[Section, ...]
    title: str = ""
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of all sections."""
        return tuple(row for section in self.sections for row in section.rows)


def simple_table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Collection[int] = (),
    title: str = "",
    notes: Iterable[str] = (),
) -> Table:
    """A table of one section; the columns at the indices `numbers` are numbers."""
    columns = tuple(Column(heading, index in numbers) for index, heading in enumerate(headings))
    return Table(columns, (Section(tuple(Row(tuple(cells)) for cells in rows)),), title, tuple(notes))


def print_table(table: Table, *, console: Console | None = None, width: int | None = None) -> None:
    """Print a table in lines of at most `width` cells: by default those of a terminal, and any where there is none."""
    console = console or terminal()
    table = _visible(table)
    limit = width or (console.width if console.is_terminal else sys.maxsize)
    if table.title:
        console.print(Text(table.title, style="bold"), soft_wrap=True)
    for number, block in enumerate(table_blocks(table, limit)):
        console.print(Text("\n" if number else "") + block, soft_wrap=True)
    for note in table.notes:
        console.print(Text(note), soft_wrap=True)


def _visible(table: Table) -> Table:
    """The table as a terminal may show it, before its cells are measured; each cell is one line."""

    def line(text: str) -> str:
        return visible(text).replace("\n", "\\n").replace("\t", "\\t")

    sections = (
        Section(tuple(Row(tuple(map(line, row.cells)), row.is_strong) for row in section.rows), line(section.heading))
        for section in table.sections
    )
    columns = (Column(visible(column.heading), column.is_number) for column in table.columns)
    return Table(tuple(columns), tuple(sections), visible(table.title), tuple(map(visible, table.notes)))


def table_blocks(table: Table, width: int) -> list[Text]:
    """The rows of a table as one block, or as several with the first column and fewer others where they are too wide.

    Before that, gaps become narrow, and a last column of texts is wrapped.
    """
    widths = [_column_width(table, index) for index in range(len(table.columns))]
    widths[0] += _indent(table)
    needed = list(widths)
    if not table.columns[-1].is_number and len(widths) > 1:
        needed[-1] = min(widths[-1], _WRAPPED_WIDTH)
    gap = _GAP if sum(needed) + _GAP * (len(needed) - 1) <= width else 1
    blocks = [[0]]
    used = needed[0]
    for index in range(1, len(needed)):
        if len(blocks[-1]) > 1 and used + gap + needed[index] > width:
            blocks.append([0])
            used = needed[0]
        blocks[-1].append(index)
        used += gap + needed[index]
    return [_block(table, {index: widths[index] for index in block}, gap, width) for block in blocks]


def _indent(table: Table) -> int:
    """Rows stand to the right of their section's heading."""
    return 2 if any(section.heading for section in table.sections) else 0


def _column_width(table: Table, index: int) -> int:
    texts = [*table.columns[index].heading.split("\n"), *(row.cells[index] for row in table.rows)]
    return max(map(cell_len, texts))


def _block(table: Table, widths: dict[int, int], gap: int, width: int) -> Text:
    """Headings and rows of the columns in `widths`: index of a column → its cells."""
    *others, last = widths
    if not table.columns[last].is_number:
        room = width - sum(widths[index] + gap for index in others)
        widths[last] = min(widths[last], max(room, _WRAPPED_WIDTH))
    block = Text()
    headings = [table.columns[index].heading.split("\n") for index in widths]
    for level in range(max(map(len, headings))):
        cells = [(*lines, *[""] * level)[level] for lines in headings]
        block.append(_line(table, cells, widths, gap) + "\n", style="bold")
    for section in table.sections:
        for line in _wrapped(section.heading, width, "    ") if section.heading else ():
            block.append(line + "\n", style="cyan")
        for row in section.rows:
            cells = [row.cells[index] for index in widths]
            cells[0] = " " * _indent(table) + cells[0]
            endings = [cells[-1]] if table.columns[last].is_number else _wrapped(cells[-1], widths[last], "  ")
            for ending in endings:
                block.append(_line(table, [*cells[:-1], ending], widths, gap) + "\n", "bold" if row.is_strong else "")
                cells = [""] * len(cells)
    block.rstrip()
    return block


def _line(table: Table, cells: Sequence[str], widths: Mapping[int, int], gap: int) -> str:
    padded = []
    for cell, (index, width) in zip(cells, widths.items(), strict=True):
        blank = " " * (width - cell_len(cell))
        padded.append(blank + cell if table.columns[index].is_number else cell + blank)
    return (" " * gap).join(padded).rstrip()


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    """The text in lines of at most `width` cells, broken at spaces, later lines behind `indent`."""
    if cell_len(text) <= width:
        return [text]
    start = text[: len(text) - len(text.lstrip())]
    lines = [start]
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines[-1].strip() else lines[-1] + word
        if cell_len(longer) > width and lines[-1].strip():
            lines.append(start + indent + word)
        else:
            lines[-1] = longer
    return lines
