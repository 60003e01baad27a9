"""A task of one's own: ``<task>/train.jsonl``, ``dev.jsonl`` and ``test.jsonl`` under data_dir, one example a line.

A line is ``{"source": "...", "references": ["...", "..."]}``, or ``{"source": "...", "target": "..."}`` where there is
one reference; ``id`` (unique) and ``group`` (scores are then reported by group) are optional, other keys are ignored.
The source is already the model's input, so every linearisation leaves it as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from prefixrun.data import shape
from prefixrun.data.example import Corpus, DataFile, Example
from prefixrun.data.text_io import TextFile, find_file, lines_of, read_text
from prefixrun.errors import DataError, shortened


def load(directory: Path, split: str, task: str) -> Corpus:
    """One split of an own task.

    Raises:
        DataError: missing file, a line that is not such an object, an empty text, an id that stands there twice.
    """
    file = read_text(find_file(directory, f"{split}.jsonl"))
    lines: dict[str, str] = {}
    examples: list[Example] = []
    for where, record in records(file):
        example = _example(record, where, f"{split}-{len(examples):05d}")
        if example.id in lines:
            raise DataError(
                f"{where}: id {shortened(example.id)!r} was already used ({lines[example.id]}); ids must be unique"
            )
        lines[example.id] = where
        examples.append(example)
    if not examples:
        raise DataError(f"{file.path}: no line with an example in it; copy the file again")
    return Corpus(task, split, tuple(examples), (DataFile(file.name, file.sha256, len(examples)),))


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


def _example(record: Mapping[str, object], where: str, default_id: str) -> Example:
    source = shape.text(shape.member(record, "source", where), f"{where}: source").strip()
    if ("target" in record) == ("references" in record):
        raise DataError(f"{where}: give either target (one text) or references (a list of texts)")
    if "target" in record:
        texts: list[object] = [record["target"]]
    else:
        texts = shape.items(record["references"], f"{where}: references")
    references = tuple(shape.text(text, f"{where}: reference").strip() for text in texts)
    if not source or not references or not all(references):
        raise DataError(f"{where}: the source or a reference is empty; fill it or remove the line")
    identifier = shape.identifier(record.get("id", default_id), f"{where}: id")
    return Example(identifier, source, references, shape.text(record.get("group", ""), f"{where}: group"))
