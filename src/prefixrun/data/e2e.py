"""E2E NLG in its CSV releases, the original and the cleaned one, and the linearisation of its meaning representations.

The paper's code reads other files (``data/e2e_data``): the same inputs as strings, the same texts with tokenised
spacing (``family - friendly``). The inputs made here are equal to those; a target keeps the normal form of the CSV,
since scorers tokenise anyway and a modern tokenizer knows the normal form better.

The cleaned release (Dušek, Howcroft and Rieser 2019, W19-8652) corrects inputs that do not fit their texts. It is a
task of its own: the paper used the original.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prefixrun.console import count
from prefixrun.data.example import Corpus, DataFile, Example
from prefixrun.data.text_io import TextFile, find_file, is_there, one_line, read_text
from prefixrun.errors import DataError, shortened

FILES = {"train": "trainset.csv", "dev": "devset.csv", "test": "testset_w_refs.csv"}
CLEANED_FILES = {"train": "train-fixed.no-ol.csv", "dev": "devel-fixed.no-ol.csv", "test": "test-fixed.csv"}
CLEANED_COLUMNS = ("fixed", "orig_mr")
"""Columns that only the cleaned release has: whether the input was changed, and what it was before."""
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
    def parse(cls, text: str, *, cleaned: bool = False) -> MeaningRepresentation:
        """Read ``name[The Mill], food[English]``.

        In the cleaned release a field may have several values: ``food[English], food[Indian]``.

        Raises:
            ValueError: not of this form, an unknown or repeated field, an empty value.
        """
        slots: list[tuple[str, str]] = []
        position = 0
        while match := _SLOT.match(text, position):
            field, value, separator = match.groups()
            if field not in FIELDS:
                raise ValueError(f"unknown field {shortened(field)!r}; E2E has {', '.join(FIELDS)}")
            if (field, value.strip()) in slots if cleaned else field in dict(slots):
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


def linearise(mr: str, form: str, *, cleaned: bool = False) -> str:
    """The CSV's meaning representation as the model's input; ``form`` is ``paper`` or ``plain``.

    ``cleaned`` is that of ``MeaningRepresentation.parse``.

    Raises:
        ValueError: a malformed meaning representation.
    """
    parsed = MeaningRepresentation.parse(mr, cleaned=cleaned)
    return parsed.paper() if form == "paper" else parsed.plain()


def load(directory: Path, split: str, linearisation: str, *, cleaned: bool = False) -> Corpus:
    """One split, one example per distinct meaning representation in order of first appearance.

    Rows of the same meaning representation need not be adjacent (in the training file they are not), and a repeated row
    is two references, as in the official counts.

    Args:
        directory: holds the files of the release.
        split: ``train``, ``dev`` or ``test``.
        linearisation: ``paper`` or ``plain``.
        cleaned: the cleaned release, as the task ``e2e_cleaned``.

    Raises:
        DataError: missing file, the other release, wrong column, truncated row, unknown field, empty reference.
    """
    names, others = (CLEANED_FILES, FILES) if cleaned else (FILES, CLEANED_FILES)
    if not is_there(directory, names[split]) and is_there(directory, others[split]):
        raise _other_release(directory / others[split], is_cleaned=not cleaned)
    file = read_text(find_file(directory, names[split]))
    references: dict[str, list[str]] = {}
    records = 0
    for line, mr, reference in _rows(file, cleaned):
        try:
            source = linearise(mr, linearisation, cleaned=cleaned)
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
    return Corpus("e2e_cleaned" if cleaned else "e2e", split, examples, (DataFile(file.name, file.sha256, records),))


def _other_release(where: Path | str, *, is_cleaned: bool) -> DataError:
    """The error for files of the release that the task does not mean; ``is_cleaned``: which one they are."""
    if is_cleaned:
        return DataError(
            f"{where}: this is the cleaned E2E (Dušek et al. 2019); the paper used the original, E2E v1.0.0; "
            "use task=e2e_cleaned, or put the original here"
        )
    return DataError(f"{where}: this is the original E2E (v1.0.0), not the cleaned one; use task=e2e")


def _rows(file: TextFile, cleaned: bool) -> Iterator[tuple[int, str, str]]:
    """First line, meaning representation and reference of each row.

    Two references of the training file hold a line break, so the number of a row is not the number of its line.
    """
    reader = csv.reader(io.StringIO(file.text, newline=""), strict=True)
    line = 1
    try:
        header = next(reader)
        mr, ref = _columns(header, file.path)
        if all(name in header for name in CLEANED_COLUMNS) != cleaned:
            raise _other_release(f"{file.path}:1", is_cleaned=not cleaned)
        line = reader.line_num + 1
        for row in reader:
            if len(row) != len(header):
                raise DataError(
                    f"{file.path}:{line}: {count(len(row), 'field')} where the header has {len(header)}; "
                    "the row is truncated or badly quoted: copy the file again"
                )
            yield line, row[mr].strip(), one_line(row[ref])
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{file.path}:{line}: broken CSV row ({error}); copy the file again") from error


def _columns(header: list[str], path: Path) -> tuple[int, int]:
    """Positions of ``mr`` and ``ref``; further columns are allowed, but none twice."""
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
