"""Files of references in the forms that they are passed on in; an error in one is reported with its line.

A JSON list of lists of texts; one file a reference (``reference0``, ``reference1``, ... as multi-bleu reads them), line
n for input n; or one text file, a reference a line, in which blank lines stand between inputs (as e2e-metrics reads it)
or, without blank lines, every line is the one reference of an input. Empty references are padding and are dropped, as
in the corpora; where an official script counts missing references, the metric adds them again.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from pathlib import Path

from prefixrun.console import count
from prefixrun.data import shape
from prefixrun.data.text_io import STANDARD_INPUT, lines_of, read_text
from prefixrun.errors import DataError
from prefixrun.metrics.system_outputs import TWO_COLUMNS

_NUMBERED = re.compile(r"(.*?)(\d+)((?:\.[A-Za-z]+)*)")
"""Stem, number and ending of the name of one of several files."""

_JSON = re.compile(r"\s*[\[{]\s*[\[{\]}\"]")
"""How a list of lists begins, and what stands in its place by mistake; a reference may begin with a bracket."""


def read_references(path: Path) -> list[list[str]]:
    """The references of each input, none of them empty.

    path: a file; a directory of numbered files; the beginning of their names; a pattern; or names between commas.
    Raises DataError with the line or the entry.
    """
    files = _files(path)
    if len(files) > 1:
        return _from_several(files)
    text = read_text(files[0]).text
    if _JSON.match(text) or files[0].suffix == ".json":
        return _from_json(text, files[0])
    return _from_text(lines_of(text), files[0])


def _files(path: Path) -> list[Path]:
    if path == STANDARD_INPUT or path.is_file():
        return [path]
    if path.is_dir():
        files = _numbered([file for file in path.glob("*reference*") if file.is_file()], path)
        if not files:
            raise DataError(f"{path}: holds no reference0, reference1, ...; name the file of the references")
        return files
    if numbered := _numbered(list(path.parent.glob(f"{glob.escape(path.name)}[0-9]*")), path):
        return numbered
    if matching := sorted(path.parent.glob(path.name)) if glob.has_magic(path.name) else []:
        return _numbered(matching, path) or matching
    several = [Path(name).expanduser() for name in str(path).split(",")]
    return several if all(file.is_file() for file in several) else [path]


def _numbered(files: Sequence[Path], path: Path) -> list[Path]:
    """The files in the order of their numbers; none if a name has no number.

    Raises DataError for several sets of files, and for a number that is missing between two others.
    """
    names = [(file, _NUMBERED.fullmatch(file.name)) for file in files]
    parts = [(file, name[1], int(name[2]), name[3]) for file, name in names if name]
    if not parts or len(parts) < len(files):
        return []
    sets = {(stem, ending) for _, stem, _, ending in parts}
    numbers = sorted(number for _, _, number, _ in parts)
    if len(sets) > 1:
        stems = " and ".join(sorted(f"{stem}0{ending}" for stem, ending in sets))
        raise DataError(f"{path}: several sets of references ({stems}); give refs= the beginning of the names of one")
    if numbers != [*range(numbers[0], numbers[0] + len(numbers))]:
        raise DataError(f"{path}: files with the numbers {', '.join(map(str, numbers))}; one is missing, copy it again")
    return [file for file, _, _, _ in sorted(parts, key=lambda part: part[2])]


def _from_several(files: Sequence[Path]) -> list[list[str]]:
    columns = [lines_of(read_text(file).text) for file in files]
    for file, column in zip(files, columns, strict=True):
        if len(column) != len(columns[0]):
            shorter = min(len(column), len(columns[0]))
            raise DataError(
                f"{file}:{shorter}: {count(len(column), 'line')} where {files[0].name} has {len(columns[0])}; one line "
                "an input, empty where it has no further reference"
            )
    references = [[text for text in texts if text.strip()] for texts in zip(*columns, strict=True)]
    for number, texts in enumerate(references, start=1):
        if not texts:
            raise DataError(f"{files[0]}:{number}: no text in this line of any file; every input needs a reference")
    return references


def _from_json(text: str, path: Path) -> list[list[str]]:
    entries = shape.items(shape.parse(text, str(path)), str(path))
    if not entries:
        raise DataError(f"{path}: is an empty list; references are a list of lists of texts, one list an input")
    references = []
    for number, texts in enumerate(entries, start=1):
        where = f"{path}: entry {number}"
        references.append([text for item in shape.items(texts, where) if (text := shape.text(item, where)).strip()])
        if not references[-1]:
            raise DataError(f"{where}: no text; every input needs at least one reference")
    return references


def _from_text(lines: Sequence[str], path: Path) -> list[list[str]]:
    if TWO_COLUMNS.fullmatch(lines[0]):
        raise DataError(f"{path}:1: a corpus with a header; give data_dir=DIR in place of refs, or references alone")
    end = max((number for number, line in enumerate(lines, start=1) if line.strip()), default=0)
    if not end:
        raise DataError(f"{path}: holds no reference, only blank lines; copy it again")
    lines = lines[:end]
    if all(line.strip() for line in lines):
        return [[line] for line in lines]
    references: list[list[str]] = [[]]
    for number, line in enumerate(lines, start=1):
        if line.strip():
            references[-1].append(line)
        elif not references[-1]:
            raise DataError(f"{path}:{number}: a blank line without a reference before it; every input needs one")
        else:
            references.append([])
    return references
