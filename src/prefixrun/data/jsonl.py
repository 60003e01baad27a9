"""JSON lines: one object a line, with the line that it stands on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prefixrun.data import shape
from prefixrun.data.text_io import TextFile, lines_of
from prefixrun.errors import DataError


def records(file: TextFile) -> Iterator[tuple[str, Mapping[str, object]]]:
    """``file:line`` and object of every line that is not blank."""
    for number, line in enumerate(lines_of(file.text), start=1):
        if line.strip():
            where = f"{file.path}:{number}"
            yield where, parse(line, where)


def parse(line: str, where: str) -> Mapping[str, object]:
    """The object that a line is; ``where`` is its ``file:line``. Raises DataError if it is none."""
    try:
        return shape.mapping(shape.parse(line, where), where)
    except DataError as error:
        # The line inside a line is always 1; the file's line is what helps.
        raise DataError(str(error).replace(f"{where}:1:", f"{where}:", 1)) from error
