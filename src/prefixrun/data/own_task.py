"""A task of one's own: files of rows under ``data_dir/<task>/``, or a data set of the Hugging Face hub, to examples.

The source is already the model's input, so every linearisation leaves it as it is. Which column is what, and which part
is called how, stands in the task's configuration.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from prefixrun.config.schema import TaskConfig
from prefixrun.data import shape, tables
from prefixrun.data.example import Corpus, DataFile, Example
from prefixrun.errors import DataError, shortened
from prefixrun.files import canonical_json

_EITHER = (
    "give either target (one text) or references (a list of texts), or name other columns with task.reference_columns"
)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that an example is made of."""

    source: str
    references: tuple[str, ...]
    id: str | None
    group: str | None

    @classmethod
    def of(cls, config: TaskConfig, there: Collection[str], where: str) -> Columns:
        """Those that the task names, or that have the usual names. Raises DataError for one that is not there."""
        source = _required(config.source_column or "source", "source_column", there, where)
        identifier = config.id_column and _required(config.id_column, "id_column", there, where)
        group = config.group_column and _required(config.group_column, "group_column", there, where)
        usual = {name: name if name in there else None for name in ("id", "group")}
        return cls(source, _references(config, there, where), identifier or usual["id"], group or usual["group"])

    @property
    def all(self) -> tuple[str, ...]:
        """Every column once."""
        names = (self.source, *self.references, self.id, self.group)
        return tuple(dict.fromkeys(name for name in names if name is not None))


def load(directory: Path, split: str, config: TaskConfig) -> Corpus:
    """One split of an own task.

    Args:
        directory: where its files lie; not read for a data set of the hub.
        split: ``train``, ``dev`` or ``test``, whatever the task calls its file.
        config: names of the task, its parts and its columns.

    Raises:
        DataError: missing file or column, a row that does not fit, an empty text, an id that stands there twice.
    """
    table = _table(directory, split, config)
    columns = None if table.columns is None else Columns.of(config, table.columns, table.where)
    examples: dict[str, Example] = {}
    lines: dict[str, str] = {}
    same_input: dict[tuple[str, str], str] = {}
    count = 0
    for where, row in table.rows(columns.all if columns else ()):
        count += 1
        example = _example(row, columns or Columns.of(config, row, where), where, f"{split}-{len(examples):05d}")
        first = same_input.get((example.source, example.group)) if config.merge_rows else None
        if first is not None:
            examples[first] = replace(examples[first], references=examples[first].references + example.references)
            continue
        if example.id in examples:
            raise DataError(
                f"{where}: id {shortened(example.id)!r} was already used ({lines[example.id]}); ids must be unique"
            )
        same_input[example.source, example.group] = example.id
        examples[example.id], lines[example.id] = example, where
    if not examples:
        raise DataError(f"{table.where}: no line with an example in it; copy the file again")
    corpus = tuple(examples.values())
    return Corpus(config.name, split, corpus, (DataFile(table.name, table.sha256 or _digest(corpus), count),))


def _table(directory: Path, split: str, config: TaskConfig) -> tables.Table:
    names = {"train": (config.train_split,), "test": (config.test_split,)}.get(
        split, (config.dev_split,) if config.dev_split else ("dev", "validation")
    )
    if config.dataset is not None:
        return tables.of_hub(config.dataset, config.dataset_config, config.dataset_revision, names)
    for name in names:
        if (table := tables.find(directory, name)) is not None:
            return table
    files = ", ".join(f"{names[0]}{ending}" for ending in tables.TEXT_FORMATS)
    raise DataError(
        f"{directory}: holds no {files} (plain or .gz) or {names[0]}.parquet, only {tables.listed(directory)}; copy "
        f"the file there, or name the part with task.{split}_split=NAME"
    )


def _required(name: str, key: str, there: Collection[str], where: str) -> str:
    if name not in there:
        names = ", ".join(sorted(there)) or "an empty object"
        raise DataError(f"{where}: no {name!r}, only {names}; add it, or name the one that is meant: task.{key}=NAME")
    return name


def _references(config: TaskConfig, there: Collection[str], where: str) -> tuple[str, ...]:
    if config.reference_columns is None:
        if ("target" in there) == ("references" in there):
            raise DataError(f"{where}: {_EITHER}; there are {', '.join(sorted(there))}")
        return ("target",) if "target" in there else ("references",)
    whole = config.reference_columns
    names = (whole,) if whole in there else tuple(name.strip() for name in whole.split(","))
    return tuple(_required(name, "reference_columns", there, where) for name in names)


def _example(row: Mapping[str, object], columns: Columns, where: str, default_id: str) -> Example:
    source = shape.text(_cell(row[columns.source]), f"{where}: {columns.source}").strip()
    texts = [text for name in columns.references for text in _texts(row[name], f"{where}: {name}")]
    if len(columns.references) > 1:  # a cell that is empty, or a text that two columns have, is no further reference
        texts = [text for text in dict.fromkeys(texts) if text]
    if not source or not texts or not all(texts):
        raise DataError(f"{where}: the source or a reference is empty; fill it or remove the line")
    identifier = default_id if columns.id is None else shape.identifier(row[columns.id], f"{where}: id")
    named = "" if columns.group is None else shape.number_as_text(_cell(row[columns.group]))
    group = shape.text(named, f"{where}: group").strip()
    if group == "all":
        raise DataError(f"{where}: the group 'all', which is the name of all inputs together; give it another name")
    return Example(identifier, source, tuple(texts), group)


def _texts(value: object, where: str) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [shape.text(_cell(value), where).strip() for value in values]


def _cell(value: object) -> object:
    """An empty cell of a table is an empty text."""
    return "" if value is None else value


def _digest(examples: tuple[Example, ...]) -> str:
    lines = ([example.id, example.source, example.references, example.group] for example in examples)
    return hashlib.sha256("".join(canonical_json(line) + "\n" for line in lines).encode("utf-8")).hexdigest()
