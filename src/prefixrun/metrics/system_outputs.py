"""Files of system outputs and of references; an error in one is reported with its line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prefixrun.data import jsonl, shape
from prefixrun.data.text_io import read_text
from prefixrun.errors import DataError


@dataclass(frozen=True, slots=True)
class Outputs:
    """The texts of one file in its order; line n of the file is text n - 1."""

    path: Path
    texts: tuple[str, ...]
    ids: tuple[str, ...] = ()
    """The id of each text, or none at all."""


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
            return list(outputs.texts)
        also = f" or {inputs + len(self.left_out)}" if self.left_out else ""
        counts = f"{lines} outputs for {inputs}{also} inputs ({self.origin})"
        if lines < inputs:
            raise DataError(
                f"{outputs.path}:{lines}: {counts}; the file ends here: one line an input, empty for no text"
            )
        rest = outputs.texts[inputs:]
        kind = "some with text" if any(rest) else "all empty"
        raise DataError(
            f"{outputs.path}:{inputs + 1}: {counts}; {len(rest)} too many from this line on, {kind}: remove them, "
            "or score them as the split they belong to"
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
                f"{outputs.path}: {len(lines)} outputs for {len(self.ids)} inputs ({self.origin}); "
                f"{missing[0]!r} is the first of {len(missing)} ids without a line; every input needs one"
            )
        return [outputs.texts[lines[identifier] - 1] for identifier in self.ids]


def read_outputs(path: Path) -> Outputs:
    """The outputs in a file: plain lines, or JSON lines where its name says so; behind .gz either.

    Raises DataError with the line that is wrong.
    """
    lines = read_text(path).text.removesuffix("\n").split("\n")
    if not path.name.removesuffix(".gz").endswith(".jsonl"):
        _refuse_json(path, lines[0])
        return Outputs(path, tuple(line.removesuffix("\r") for line in lines))
    texts, ids = zip(*(_record(line, f"{path}:{number}") for number, line in enumerate(lines, start=1)), strict=True)
    named = [identifier is not None for identifier in ids]
    if not any(named):
        return Outputs(path, texts)
    if not all(named):
        raise DataError(
            f'{path}:{named.index(False) + 1}: has no "id", but other lines have; give all lines one or none'
        )
    lines_of: dict[str, int] = {}
    for number, identifier in enumerate(ids, start=1):
        if identifier in lines_of:
            raise DataError(
                f"{path}:{number}: id {identifier!r} was already used in line {lines_of[identifier]}; "
                "one output an input"
            )
        lines_of[identifier] = number
    return Outputs(path, texts, ids)


def _refuse_json(path: Path, line: str) -> None:
    """Raise DataError for JSON in a file that is not named so: it would be scored as text, braces included."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return
    if isinstance(value, dict | list):
        raise DataError(f'{path}:1: JSON; give JSON lines, one object with "output" a line, a name that ends in .jsonl')


def read_references(path: Path) -> list[list[str]]:
    """The references of each input from a JSON list of lists of texts. Raises DataError with the line or the entry."""
    entries = shape.items(shape.parse(read_text(path).text, str(path)), str(path))
    if not entries:
        raise DataError(f"{path}: is an empty list; references are a list of lists of texts, one list an input")
    references = []
    for number, texts in enumerate(entries, start=1):
        where = f"{path}: entry {number}"
        references.append([shape.text(text, where) for text in shape.items(texts, where)])
        if not any(text.strip() for text in references[-1]):
            raise DataError(f"{where}: no text; every input needs at least one reference")
    return references


def _record(line: str, where: str) -> tuple[str, str | None]:
    """The text and the id of one JSON line."""
    if not line.strip():
        raise DataError(f'{where}: an empty line; one object with "output" a line, remove it')
    record = jsonl.parse(line, where)
    output = shape.text(shape.member(record, "output", where), f"{where}: output")
    return output, shape.identifier(record["id"], f"{where}: id") if "id" in record else None
