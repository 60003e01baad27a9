"""Files of system outputs and of references: what is wrong with one is said with its line."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prefixrun.data.text_io import read_text
from prefixrun.errors import DataError

_UNREADABLE = "has a number of thousands of digits, or brackets nested too deep to be read"
"""What Python's JSON refuses though its grammar allows it."""

_HALF_A_PAIR = re.compile("[\ud800-\udfff]")


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
    """In words, for headings and messages."""
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
        given, wanted = len(outputs.texts), len(self.references)
        if self.left_out and given == wanted + len(self.left_out):
            skipped = frozenset(self.left_out)
            return [text for position, text in enumerate(outputs.texts) if position not in skipped]
        if given == wanted:
            return list(outputs.texts)
        also = f" or {wanted + len(self.left_out)}" if self.left_out else ""
        counts = f"{given} outputs for {wanted}{also} inputs ({self.origin})"
        if given < wanted:
            raise DataError(
                f"{outputs.path}:{given}: {counts}; the file ends here: one line an input, empty for no text"
            )
        rest = outputs.texts[wanted:]
        kind = "some with text" if any(rest) else "all empty"
        raise DataError(
            f"{outputs.path}:{wanted + 1}: {counts}; {len(rest)} too many from this line on, {kind}: remove them, "
            "or score them as the split they belong to"
        )

    def _by_id(self, outputs: Outputs) -> list[str]:
        known = frozenset(self.ids)
        lines: dict[str, int] = {}
        for number, identifier in enumerate(outputs.ids, start=1):
            where = f"{outputs.path}:{number}: id {identifier!r}"
            if identifier not in known:
                raise DataError(
                    f"{where} is no input of {self.origin}, whose ids are like {self.ids[0]!r}; "
                    "without ids the order of the lines counts"
                )
            if identifier in lines:
                raise DataError(f"{where} was already used in line {lines[identifier]}; one output an input")
            lines[identifier] = number
        missing = [identifier for identifier in self.ids if identifier not in lines]
        if missing:
            raise DataError(
                f"{outputs.path}: {len(lines)} outputs for {len(self.ids)} inputs ({self.origin}); "
                f"{missing[0]!r} is the first of {len(missing)} ids without a line"
            )
        return [outputs.texts[lines[identifier] - 1] for identifier in self.ids]


def read_outputs(path: Path) -> Outputs:
    """The outputs in a file: plain lines, or JSON lines where its name says so; behind .gz either.

    Raises DataError with the line that is wrong.
    """
    lines = read_text(path).text.removesuffix("\n").split("\n")
    if not path.name.removesuffix(".gz").endswith(".jsonl"):
        return Outputs(path, tuple(line.removesuffix("\r") for line in lines))
    texts, ids = zip(*(_record(path, number, line) for number, line in enumerate(lines, start=1)), strict=True)
    named = [identifier is not None for identifier in ids]
    if any(named) and not all(named):
        raise DataError(
            f'{path}:{named.index(False) + 1}: has no "id", but other lines have; give all lines one or none'
        )
    return Outputs(path, texts, ids if all(named) else ())


def read_references(path: Path) -> list[list[str]]:
    """The references of each input from a JSON list of lists. Raises DataError with the line or the entry."""
    try:
        value = json.loads(read_text(path).text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: is not JSON ({error.msg}, column {error.colno})") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: {_UNREADABLE}; references are a list of lists of texts") from error
    if not isinstance(value, list) or not value:
        what = "an empty list" if value == [] else "no JSON list"
        raise DataError(f"{path}: is {what}; references are a list of lists of texts, one list an input")
    for number, texts in enumerate(value, start=1):
        if not isinstance(texts, list) or not texts or not all(map(_is_text, texts)):
            raise DataError(f"{path}: entry {number} is no list of at least one text")
    return value


def _record(path: Path, number: int, line: str) -> tuple[str, str | None]:
    """The text and the id of one JSON line."""
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}:{number}: is not JSON ({error.msg}, column {error.colno}); one object a line"
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}:{number}: {_UNREADABLE}; an output is a text") from error
    if not isinstance(record, dict) or not _is_text(record.get("output")):
        raise DataError(f'{path}:{number}: is no object with the text "output"')
    if "id" in record and not _is_text(record["id"]):
        raise DataError(f'{path}:{number}: "id" is no text')
    return record["output"], record.get("id")


def _is_text(value: object) -> bool:
    """Whether JSON gave a text that can be written as UTF-8; half a surrogate pair cannot."""
    return isinstance(value, str) and not _HALF_A_PAIR.search(value)
