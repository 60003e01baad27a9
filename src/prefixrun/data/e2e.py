"""E2E NLG in its CSV release, and the linearisation of its meaning representations.

The paper's code reads other files (``data/e2e_data``): the same inputs as strings, the same texts with tokenised
spacing (``family - friendly``). The inputs made here are equal to those; a target keeps the normal form of the CSV,
since scorers tokenise anyway and a modern tokenizer knows the normal form better.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prefixrun.data.example import Corpus, DataFile, Example
from prefixrun.data.text_io import TextFile, find_file, one_line, read_text
from prefixrun.errors import DataError, shortened

FILES = {"train": "trainset.csv", "dev": "devset.csv", "test": "testset_w_refs.csv"}
FIELDS = ("name", "eatType", "food", "priceRange", "customer rating", "area", "familyFriendly", "near")
# The paper's files rename three fields (data/e2e_data of the official code).
PAPER_NAMES = {"eatType": "Type", "priceRange": "price", "familyFriendly": "family friendly"}
PLAIN_NAMES = {"eatType": "eat type", "priceRange": "price range", "familyFriendly": "family friendly"}
_SLOT = re.compile(r"([A-Za-z][A-Za-z ]*)\[([^\[\]]+)\](, |$)")


@dataclass(frozen=True, slots=True)
class MeaningRepresentation:
    """The slots of one input in the order of the file: ``(("name", "The Mill"), ("food", "English"))``."""

    slots: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> MeaningRepresentation:
        """Read ``name[The Mill], food[English]``.

        Raises:
            ValueError: not of this form, an unknown or repeated field, an empty value.
        """
        slots: list[tuple[str, str]] = []
        position = 0
        while match := _SLOT.match(text, position):
            field, value, separator = match.groups()
            if field not in FIELDS:
                raise ValueError(f"unknown field {shortened(field)!r}; E2E has {', '.join(FIELDS)}")
            if field in dict(slots):
                raise ValueError(f"field {field!r} stands there twice; keep one")
            if not value.strip():
                raise ValueError(f"field {field!r} has no value; fill it or drop it")
            slots.append((field, value.strip()))
            position = match.end()
            if not separator:
                return cls(tuple(slots))
        raise ValueError(f"not of the form field[value], field[value]: {text[position : position + 40]!r}; correct it")

    def paper(self) -> str:
        """``name : X | Type : Y | price : £ 20 - 25``: the form of the paper's files."""
        return " | ".join(
            f"{PAPER_NAMES.get(field, field)} : {_spaced_price(field, value)}" for field, value in self.slots
        )

    def plain(self) -> str:
        """``name: X; eat type: Y; price range: £20-25``: nearer to running text, values untouched."""
        return "; ".join(f"{PLAIN_NAMES.get(field, field)}: {value}" for field, value in self.slots)


def _spaced_price(field: str, value: str) -> str:
    """``£20-25`` as ``£ 20 - 25``, in the price field only; other values stay as they are."""
    if field != "priceRange":
        return value
    return re.sub(r"(?<=\d)-(?=\d)", " - ", re.sub(r"£(?=\d)", "£ ", value))


def linearise(mr: str, form: str) -> str:
    """The CSV's meaning representation as the model's input; ``form`` is ``paper`` or ``plain``.

    Raises:
        ValueError: a malformed meaning representation or an unknown form.
    """
    parsed = MeaningRepresentation.parse(mr)
    if form == "paper":
        return parsed.paper()
    if form == "plain":
        return parsed.plain()
    raise ValueError(f"unknown linearisation {form!r}; E2E has paper and plain")


def load(directory: Path, split: str, linearisation: str) -> Corpus:
    """One split, one example per distinct meaning representation in order of first appearance.

    Rows of the same meaning representation need not be adjacent (in the training file they are not), and a repeated row
    is two references, as in the official counts.

    Raises:
        DataError: missing file, wrong column, truncated row, unknown field, empty reference.
    """
    file = read_text(find_file(directory, FILES[split]))
    references: dict[str, list[str]] = {}
    records = 0
    for line, mr, reference in _rows(file):
        try:
            source = linearise(mr, linearisation)
        except ValueError as error:
            raise DataError(f"{file.path}:{line}: {error}") from error
        if not reference:
            raise DataError(f"{file.path}:{line}: the reference is empty; remove the row or fill it")
        references.setdefault(source, []).append(reference)
        records += 1
    if not records:
        raise DataError(f"{file.path}: a header and no row; copy the file again")
    examples = tuple(
        Example(f"{split}-{position:05d}", source, tuple(texts))
        for position, (source, texts) in enumerate(references.items())
    )
    return Corpus("e2e", split, examples, (DataFile(file.name, file.sha256, records),))


def _rows(file: TextFile) -> Iterator[tuple[int, str, str]]:
    """First line, meaning representation and reference of each row.

    Two references of the training file hold a line break, so the number of a row is not the number of its line.
    """
    reader = csv.reader(io.StringIO(file.text, newline=""), strict=True)
    line = 1
    try:
        header = next(reader)
        mr, ref = _columns(header, file.path)
        line = reader.line_num + 1
        for row in reader:
            if len(row) != len(header):
                raise DataError(
                    f"{file.path}:{line}: {len(row)} fields where the header has {len(header)}; "
                    "the row is truncated or badly quoted: copy the file again"
                )
            yield line, row[mr].strip(), one_line(row[ref])
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{file.path}:{line}: broken CSV row ({error}); copy the file again") from error


def _columns(header: list[str], path: Path) -> tuple[int, int]:
    """Positions of ``mr`` and ``ref``; further columns, as in the cleaned release, are allowed, but none twice."""
    twice = [name for name in dict.fromkeys(header) if header.count(name) > 1]
    if twice:
        raise DataError(
            f"{path}:1: the header names the column {shortened(' and '.join(twice))} twice; remove one of the two"
        )
    missing = [name for name in ("mr", "ref") if name not in header]
    if missing:
        raise DataError(
            f"{path}:1: no column {' and '.join(missing)} in the header {shortened(','.join(header))!r}; "
            "the release's files with references start with mr,ref"
        )
    return header.index("mr"), header.index("ref")
