"""Files of rows with named columns: JSON lines, CSV, TSV, Parquet, and data sets of Hugging Face's ``datasets``."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from prefixrun.console import count
from prefixrun.data.jsonl import records
from prefixrun.data.text_io import MAX_BYTES, TextFile, read_bytes, read_text
from prefixrun.errors import DataError, reading

Row = tuple[str, Mapping[str, object]]
"""Where a row stands (``file:line``), and its values by column."""

TEXT_FORMATS = (".jsonl", ".csv", ".tsv")
_SAVED = "state.json"
"""A file that ``save_to_disk`` writes beside the rows of each split."""
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})$")
_ADVICE = "copy it again, or write it anew"


@dataclass(frozen=True, slots=True)
class Table:
    """One split as it is stored."""

    where: str
    """For messages about the whole."""
    name: str
    """Name inside the task's directory; never a path of this machine."""
    sha256: str
    """Of the uncompressed bytes; empty where only the rows decide, which ``datasets`` may store in many ways."""
    columns: tuple[str, ...] | None
    """None where every row has keys of its own (JSON lines)."""
    rows: Callable[[Sequence[str]], Iterator[Row]]
    """Reads the rows with these columns, or with all. Raises DataError."""


def find(directory: Path, split: str) -> Table | None:
    """The file or files of a split, whichever form they have; None if there are none.

    Raises:
        DataError: the split is there in several forms, or a file cannot be read.
    """
    files = [
        next((path for path in (directory / name, directory / f"{name}.gz") if path.is_file()), None)
        for name in (f"{split}{ending}" for ending in TEXT_FORMATS)
    ]
    patterns = ("{}.parquet", "{}-*.parquet", "data/{}-*.parquet", "{}/*.parquet")
    groups = [[path] for path in files if path] + [
        sorted(filter(Path.is_file, directory.glob(pattern.format(split)))) for pattern in patterns
    ]
    if (directory / split / _SAVED).is_file():
        groups.append([directory / split])
    there = [group for group in groups if group]
    if len(there) > 1:
        names = " and ".join(group[0].relative_to(directory).as_posix() for group in there)
        raise DataError(f"{directory}: holds {names}, which are the same part in several forms; keep one of them")
    if not there:
        return None
    (paths,) = there
    _check_shards(paths)
    if paths[0].is_dir():
        return _saved(paths[0])
    return _parquet(directory, paths) if paths[0].suffix == ".parquet" else _text(paths[0])


def _check_shards(paths: Sequence[Path]) -> None:
    """Raise DataError where files `NAME-00000-of-00003` are not all that there were."""
    shards = [match for path in paths if (match := _SHARD.search(path.stem))]
    totals, numbers = {int(match[2]) for match in shards}, sorted(int(match[1]) for match in shards)
    if shards and (len(totals) > 1 or len(shards) < len(paths) or numbers != list(range(totals.pop()))):
        names = ", ".join(path.name for path in paths[:4])
        raise DataError(f"{paths[0].parent}: holds {names}, which are not the whole of one part; copy all its files")


def listed(directory: Path) -> str:
    """What a directory holds, for a message."""
    with reading(directory, "check its rights"):
        names = sorted(path.name + ("/" if path.is_dir() else "") for path in directory.iterdir())
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "") if names else "nothing"


def of_hub(name: str, config: str | None, revision: str | None, splits: Sequence[str]) -> Table:
    """A split of a data set on the hub or in its cache: the first of these names that it has.

    Raises:
        DataError: it cannot be had, or has no such split.
    """
    parts = _from_hub(name, config, revision)
    split = next((name for name in splits if name in parts), None)
    if split is None:
        raise DataError(
            f"task.dataset={name}: has no part {splits[0]}, only {', '.join(map(str, parts))}; name the parts with "
            "task.train_split, task.dev_split and task.test_split"
        )
    return _of_datasets(parts[split], f"{name}, {split}", f"{name}/{split}")


def _text(path: Path) -> Table:
    file = read_text(path)
    if file.name.endswith(".jsonl"):
        return Table(str(path), file.name, file.sha256, None, lambda _: records(file))
    reader = _csv_rows(file)
    _, first_row = next(reader, (1, []))
    header = [name.strip() for name in first_row]
    doubled = [name for name in header if name and header.count(name) > 1]
    if doubled:
        raise DataError(f"{path}:1: two columns have the name {doubled[0]!r}; give each a name of its own")

    def rows(_: Sequence[str]) -> Iterator[Row]:
        for line, cells in reader:
            if len(cells) != len(header):
                raise DataError(
                    f"{path}:{line}: {count(len(cells), 'cell')} where the header has {len(header)}; a text with the "
                    "separator, a quotation mark or a line break in it stands in quotation marks"
                )
            yield f"{path}:{line}", dict(zip(header, cells, strict=True))

    return Table(f"{path}:1", file.name, file.sha256, tuple(header), rows)


def _csv_rows(file: TextFile) -> Iterator[tuple[int, list[str]]]:
    """Line on which a row begins, and its cells; blank lines are passed over."""
    first = file.text.partition("\n")[0]
    separator = "\t" if file.name.endswith(".tsv") else max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(file.text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    limit = csv.field_size_limit(MAX_BYTES - 1)  # the largest that a C long holds on Windows
    begins = 1
    try:
        for cells in reader:
            if cells:
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{file.path}:{begins}: broken row ({error}); a quotation mark inside a text is written twice, and the "
            "text stands in quotation marks"
        ) from error
    finally:
        csv.field_size_limit(limit)


def _parquet(directory: Path, paths: Sequence[Path]) -> Table:
    # Imported here because it takes time that other forms need not wait for.
    from pyarrow import parquet  # type: ignore[import-untyped]

    contents = [read_bytes(path) for path in paths]
    digests = [hashlib.sha256(data) for data in contents]
    name = paths[0].relative_to(directory).as_posix()
    if len(paths) > 1:
        name += f" and {len(paths) - 1} more"
        digests = [hashlib.sha256(b"".join(digest.digest() for digest in digests))]
    with reading(paths[0], _ADVICE):
        columns = tuple(parquet.read_schema(io.BytesIO(contents[0])).names)

    def rows(wanted: Sequence[str]) -> Iterator[Row]:
        for path, data in zip(paths, contents, strict=True):
            with reading(path, _ADVICE):
                values = parquet.read_table(io.BytesIO(data), columns=list(wanted)).to_pylist()
            yield from _numbered(str(path), values)

    return Table(str(paths[0]), name, digests[0].hexdigest(), columns, rows)


def _saved(directory: Path) -> Table:
    """A split that ``save_to_disk`` has written."""
    with reading(directory, _ADVICE):
        from datasets import Dataset  # type: ignore[import-untyped]

        dataset = Dataset.load_from_disk(str(directory))
    return _of_datasets(dataset, str(directory), directory.name)


def _of_datasets(dataset: Any, where: str, name: str) -> Table:
    def rows(wanted: Sequence[str]) -> Iterator[Row]:
        with reading(where, _ADVICE):
            values = dataset.select_columns(list(wanted)).to_list()
        yield from _numbered(where, values)

    return Table(where, name, "", tuple(dataset.column_names), rows)


@lru_cache(maxsize=1)
def _from_hub(name: str, config: str | None, revision: str | None) -> Mapping[str, Any]:
    """The splits of a data set; ``datasets`` fetches what its cache lacks, and runs no code of the data set's."""
    if Path(name).exists():
        raise DataError(
            f"task.dataset={name}: is a file or directory here, not a name on the hub; give data_dir=DIR, and call the "
            "directory DIR/NAME as the task is called"
        )
    advice = (
        "check name, configuration and connection; without one, save the data set elsewhere with its save_to_disk, "
        "copy it to data_dir/NAME/, and leave task.dataset out"
    )
    with reading(f"task.dataset={name}", advice):
        import datasets

        datasets.disable_progress_bars()
        parts: Mapping[str, Any] = datasets.load_dataset(name, config, revision=revision)
        return dict(parts.items())


def _numbered(where: str, values: Iterable[Mapping[str, object]]) -> Iterator[Row]:
    for number, value in enumerate(values, start=1):
        yield f"{where}: row {number:,}", value
