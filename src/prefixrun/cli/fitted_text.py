"""Texts of the help in the width of the terminal: a name, a gap, and a description that goes on below its beginning."""

import re
import shutil
import textwrap
from collections.abc import Iterable, Iterator

NARROWEST, WIDEST = 60, 120
"""Cells of a line; narrower terminals break lines themselves."""

_COLUMNS = re.compile(r"  +\S.*?   *(?=\S)")
"""A name and the gap behind it."""

_EXAMPLE = re.compile(r" *(prefixrun |')")
"""The beginning of a line that is to be typed as it stands: a command, or an override in quotes."""


def fitted_to_terminal(text: str) -> str:
    """`fitted` in the width that there is."""
    return fitted(text, terminal_width())


def fitted(text: str, width: int) -> str:
    """The text with lines of at most `width` cells; a description goes on below its own beginning."""
    lines = text.splitlines()
    if all(len(line) <= width for line in lines):
        return text
    return "".join(_fitted_line(line, width) + "\n" for line in _unwrapped(lines))


def _unwrapped(lines: Iterable[str]) -> Iterator[str]:
    """The lines with those joined that go on with a paragraph or with a description."""
    before: str | None = None
    indent = 0
    for line in lines:
        own_indent = len(line) - len(line.lstrip())
        is_example = before and (_EXAMPLE.match(before) or _EXAMPLE.match(line))
        if before and line.strip() and own_indent == indent and not is_example:
            before += " " + line.strip()
            continue
        if before is not None:
            yield before
        before, indent = line, _description(line)
    yield before or ""


def _description(line: str) -> int:
    """Where the lines begin that go on with a line."""
    columns = _COLUMNS.match(line)
    return columns.end() if columns else len(line) - len(line.lstrip())


def _fitted_line(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    columns = _COLUMNS.match(line)
    indent = _description(line)
    if columns and indent > width // 2:  # the description does not fit beside its name
        name, description = columns[0].rstrip(), " " * 6 + line[columns.end() :]
        return f"{name}\n{textwrap.fill(description, width, subsequent_indent=' ' * 6, break_on_hyphens=False)}"
    return textwrap.fill(line, width, subsequent_indent=" " * indent, break_on_hyphens=False)


def terminal_width() -> int:
    """Cells of a line of the terminal, within what people like to read."""
    return max(NARROWEST, min(shutil.get_terminal_size().columns, WIDEST))
