"""Files of system outputs, and what they are scored against; an error in one is reported with its line."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prefixrun.console import count
from prefixrun.data import jsonl, shape
from prefixrun.data.e2e import linearise
from prefixrun.data.text_io import STANDARD_INPUT, lines_of, one_line, read_text
from prefixrun.errors import DataError

OFFICIAL_HEADER = "mr\toutput"
TWO_COLUMNS = re.compile(r'"?mr"?[\t,;]"?\w+"?', re.IGNORECASE)
"""The header of a corpus of E2E, or of outputs beside their inputs."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """The texts of one file in its order; behind its header, line n of the file is text n - 1."""

    path: Path
    texts: tuple[str, ...]
    ids: tuple[str, ...] = ()
    """The id of each text, or none at all."""
    header: int = 0
    """Lines before the first text."""
    inputs: tuple[str, ...] = ()
    """The meaning representation of each text, where the file has them."""


@dataclass(frozen=True, slots=True)
class Target:
    """What outputs are scored against."""

    origin: str
    """What the references are, for headings and messages: ``e2e test``."""
    references: Sequence[Sequence[str]]
    groups: Sequence[str] | None = None
    sources: Sequence[str] | None = None
    """The inputs in the paper's linearisation, where they are known."""
    ids: tuple[str, ...] = ()
    """The id of each input; none where the references are a bare list."""
    left_out: tuple[int, ...] = ()
    """0-based positions of records without a reference in the corpus's file; an output file may have lines for them."""

    def line_up(self, outputs: Outputs) -> list[str]:
        """One text for each input, in the order of the inputs. Raises DataError with the line that does not fit."""
        if outputs.ids and self.ids:
            return self._by_id(outputs)
        lines, inputs = len(outputs.texts), len(self.references)
        if self.left_out and lines == inputs + len(self.left_out):
            skipped = frozenset(self.left_out)
            return [text for position, text in enumerate(outputs.texts) if position not in skipped]
        if lines == inputs:
            self._check_order(outputs)
            return list(outputs.texts)
        or_all = f"{inputs:,} or " if self.left_out else ""
        counts = f"{count(lines, 'output')} for {or_all}{count(inputs + len(self.left_out), 'input')} ({self.origin})"
        if lines < inputs:
            raise DataError(
                f"{outputs.path}:{outputs.header + lines}: {counts}; the file ends here: one line an "
                "input, empty for no text"
            )
        rest = outputs.texts[inputs:]
        kind = "some with text" if any(rest) else "all empty"
        raise DataError(
            f"{outputs.path}:{outputs.header + inputs + 1}: {counts}; {len(rest)} too many from this line on, {kind}: "
            "remove them, or score them as the split they belong to"
        )

    def _check_order(self, outputs: Outputs) -> None:
        """Raise DataError where a text stands beside the meaning representation of another input."""
        position_of = {source: position for position, source in enumerate(self.sources or ())}
        for position, text in enumerate(outputs.inputs):
            try:
                wanted = position_of.get(linearise(text, "paper"), position)
            except ValueError:  # of no E2E corpus
                continue
            if wanted != position:
                raise DataError(
                    f"{outputs.path}: output {position + 1} has the MR of input {wanted + 1} of {self.origin}; put the "
                    "rows in the order of the inputs"
                )

    def _by_id(self, outputs: Outputs) -> list[str]:
        inputs = frozenset(self.ids)
        lines = {identifier: number for number, identifier in enumerate(outputs.ids, start=1)}
        for identifier, number in lines.items():
            if identifier not in inputs:
                raise DataError(
                    f"{outputs.path}:{number}: id {identifier!r} is no input of {self.origin}, whose ids are like "
                    f"{self.ids[0]!r}; without ids the order of the lines counts"
                )
        missing = [identifier for identifier in self.ids if identifier not in lines]
        if missing:
            raise DataError(
                f"{outputs.path}: {count(len(lines), 'output')} for {count(len(self.ids), 'input')} ({self.origin}); "
                f"{missing[0]!r} is the first of {len(missing)} ids without a line; every input needs one"
            )
        return [outputs.texts[lines[identifier] - 1] for identifier in self.ids]


def read_outputs(path: Path) -> Outputs:
    """The outputs in a file: plain lines, JSON lines where its name says so, or the E2E challenge's two columns;
    behind .gz each of them, and in standard input (``-``) whichever of them it is.

    Raises DataError with the line that is wrong.
    """
    lines = lines_of(read_text(path).text)
    is_json = path.name.removesuffix(".gz").endswith(".jsonl")
    if path == STANDARD_INPUT:
        path, is_json = Path("standard input"), lines[0].lstrip().startswith("{")
    if is_json:
        return _from_json_lines(lines, path)
    _refuse_json(path, lines[0])
    if TWO_COLUMNS.fullmatch(lines[0]):
        return _from_columns(lines, path)
    return Outputs(path, tuple(lines))


def _from_json_lines(lines: Sequence[str], path: Path) -> Outputs:
    texts, ids = zip(*(_record(line, f"{path}:{number}") for number, line in enumerate(lines, start=1)), strict=True)
    named = [identifier is not None for identifier in ids]
    if not any(named):
        return Outputs(path, texts)
    if not all(named):
        raise DataError(
            f'{path}:{named.index(False) + 1}: has no "id", but other lines have; give all lines one or none'
        )
    line_of: dict[str, int] = {}
    for number, identifier in enumerate(ids, start=1):
        if identifier in line_of:
            raise DataError(
                f"{path}:{number}: id {identifier!r} was already used in line {line_of[identifier]}; "
                "one output an input"
            )
        line_of[identifier] = number
    return Outputs(path, texts, ids)


def _from_columns(lines: Sequence[str], path: Path) -> Outputs:
    """The form of the E2E challenge's submissions: a header ``MR<tab>output``, then both, quoted where needed.

    In some of them both fields are wrapped in single quotes, which are no part of the text.
    """
    if lines[0].casefold() != OFFICIAL_HEADER:
        raise DataError(
            f"{path}:1: a header of two columns, which would be scored as an output; the form that is read is "
            "MR<tab>output, or give the outputs alone, one a line"
        )
    texts = []
    try:
        reader = csv.reader(io.StringIO("\n".join(lines), newline=""), delimiter="\t")
        next(reader)
        for row in reader:
            if len(row) != 2:
                raise DataError(
                    f"{path}:{reader.line_num}: {count(len(row), 'column')} where the header has 2; copy it again"
                )
            texts.append(row)
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: broken row ({error}); copy the file again") from error
    is_wrapped = bool(texts) and all(field.strip()[:1] == "'" == field.strip()[-1:] for row in texts for field in row)
    unquoted = [[field.strip()[1:-1] if is_wrapped else field for field in row] for row in texts]
    outputs = tuple(one_line(text) for _, text in unquoted)
    return Outputs(path, outputs, header=1, inputs=tuple(mr for mr, _ in unquoted))


def _refuse_json(path: Path, line: str) -> None:
    """Raise DataError for JSON in a file that is not named so: it would be scored as text, braces included."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return
    if isinstance(value, dict | list):
        raise DataError(f'{path}:1: JSON; give JSON lines, one object with "output" a line, a name that ends in .jsonl')


def _record(line: str, where: str) -> tuple[str, str | None]:
    """The text and the id of one JSON line."""
    if not line.strip():
        raise DataError(f'{where}: an empty line; one object with "output" a line, remove it')
    record = jsonl.parse(line, where)
    output = shape.text(shape.member(record, "output", where), f"{where}: output")
    return output, shape.identifier(record["id"], f"{where}: id") if "id" in record else None
