"""DART v1.1.1 in its JSON release.

Two test files of that version are in use under one name: the one of the paper's time has 6,959 entries, 1,862 of them
without any text; the later one has the other 5,097, in the same order. Entries without a text are left out and their
positions recorded, so that outputs for either file can be lined up with the examples; the manifest knows how many the
release has and refuses other numbers. Several entries may have the same triple set, and the official scorer counts
every entry, so an example is an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from prefixrun.data import shape
from prefixrun.data.example import Corpus, DataFile, Example, Skipped
from prefixrun.data.text_io import find_file, one_line, read_text
from prefixrun.data.triples import Triple, dart_paper, plain, triple
from prefixrun.errors import DataError

FORMS: Mapping[str, Callable[[tuple[Triple, ...]], str]] = {"paper": dart_paper, "plain": plain}
FILES: Mapping[str, tuple[str, ...]] = {
    "train": ("dart-v1.1.1-full-train.json",),
    "dev": ("dart-v1.1.1-full-dev.json",),
    "test": ("dart-v1.1.1-full-test.json", "dart-v1.1.1-full-test.6959.json"),
    "test_6959": ("dart-v1.1.1-full-test.6959.json", "dart-v1.1.1-full-test.json"),
}
NO_TEXT = "entries without a text"
EMPTY_TEXT = "empty texts"


def load(directory: Path, split: str, linearisation: str) -> Corpus:
    """One split, one example per entry that has a text; ``test_6959`` asks for the older test file.

    Raises:
        DataError: anything missing or malformed.
    """
    file = read_text(find_file(directory, *FILES[split]))
    examples: list[Example] = []
    no_text: list[int] = []
    empty_texts: list[int] = []
    entries = shape.items(shape.parse(file.text, str(file.path)), str(file.path))
    for position, entry in enumerate(entries):
        where = f"{file.path}: entry {position + 1}"
        record = shape.mapping(entry, where)
        texts = list(_texts(record, where))
        references = tuple(text for text in texts if text)
        # The released test file holds one empty text, the second of two.
        empty_texts += [position] * (len(texts) - len(references))
        if not references:
            no_text.append(position)
            continue
        source = FORMS[linearisation](tuple(_triples(record, where)))
        # The two test files hold the same examples, so these have the same ids.
        examples.append(Example(f"{split.partition('_')[0]}-{len(examples):05d}", source, references))
    if not examples:
        raise DataError(f"{file.path}: no entry has a text; use the file with annotations")
    left_out = (
        Skipped(NO_TEXT, len(no_text), tuple(no_text), whole=True),
        Skipped(EMPTY_TEXT, len(empty_texts), tuple(empty_texts)),
    )
    return Corpus(
        "dart",
        split,
        tuple(examples),
        (DataFile(file.name, file.sha256, len(entries)),),
        tuple(skipped for skipped in left_out if skipped.count),
    )


def _texts(record: Mapping[str, object], where: str) -> Iterator[str]:
    for annotation in shape.items(shape.member(record, "annotations", where), f"{where}, annotations"):
        text = shape.member(shape.mapping(annotation, f"{where}, annotations"), "text", f"{where}, annotations")
        yield one_line(shape.text(text, f"{where}, text"))


def _triples(record: Mapping[str, object], where: str) -> Iterator[Triple]:
    triples = shape.items(shape.member(record, "tripleset", where), f"{where}, tripleset")
    if not triples:
        raise DataError(f"{where}: an empty tripleset; remove the entry or fill it")
    for parts in triples:
        yield triple([shape.text(p, f"{where}, tripleset") for p in shape.items(parts, f"{where}, tripleset")], where)
