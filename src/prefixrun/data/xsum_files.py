"""The forms in which XSUM is passed on: JSON lines, line-aligned ``.source``/``.target`` files, and Hugging Face data.

Only the original extracts carry the address of an article; where they lie beside another form they give the sections.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from prefixrun.console import count
from prefixrun.data import manifest, shape
from prefixrun.data.archive import members
from prefixrun.data.example import DataFile
from prefixrun.data.jsonl import records
from prefixrun.data.text_io import decode, find_file, lines_of, read_bytes, read_text
from prefixrun.errors import DataError, reading, shortened

# Names of a split, ours first; ``_part`` is an incomplete copy, which the manifest then says.
NAMES: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "train_part"),
    "dev": ("dev", "validation", "val", "dev_part"),
    "test": ("test",),
}
EXTRACTS = "xsum-extracts.tar.gz"


@dataclass(frozen=True, slots=True)
class Article:
    """One article with its summary."""

    id: str
    document: str
    summary: str
    section: str = ""
    """Its address, or its section as ``news/uk``; empty if the file has neither."""


def read(directory: Path, split: str) -> tuple[list[Article], DataFile]:
    """The articles of a split, in the order of the file.

    An empty document is accepted if the file has as many articles as a release: a complete copy may have some.

    Raises:
        DataError: no file of the split in any form, a malformed one, an empty text, a repeated id.
    """
    tables = _hugging_face_files(directory, split)
    if tables:
        articles, file = _read_tables(directory, tables, split)
    elif source := next((p for name in NAMES[split] if (p := directory / f"{name}.source").is_file()), None):
        articles, file = _read_lines(source, split)
    else:
        articles, file = _read_jsonl(find_file(directory, *(f"{name}.jsonl" for name in NAMES[split])), split)
    seen: set[str] = set()
    complete = len(articles) in {release.records for release in manifest.RELEASES["xsum", split]}
    for where, article in articles:
        if not article.summary or not (article.document or complete):
            name = "document" if article.summary else "summary"
            raise DataError(f"{where}: the {name} is empty; remove the record or fill it")
        if article.id in seen:
            raise DataError(f"{where}: id {shortened(article.id)!r} stands there twice; ids must be unique")
        seen.add(article.id)
    if not articles:
        raise DataError(f"{directory}/{file.name}: no article in it; copy it again")
    return [article for _, article in articles], file


def with_sections(articles: list[Article], directory: Path) -> list[Article]:
    """The articles, those without a section looked up by id in the original extracts if the directory has them."""
    path = directory / EXTRACTS
    if not path.is_file() or all(article.section for article in articles):
        return articles
    addresses = {
        PurePosixPath(name).stem: _address(decode(data, f"{path}/{name}"), f"{path}/{name}")
        for name, data in members(path, lambda name: name.endswith(".data"))
    }
    return [
        article if article.section else replace(article, section=addresses.get(article.id, "")) for article in articles
    ]


def _address(extract: str, where: str) -> str:
    lines = lines_of(extract)
    if len(lines) < 2 or lines[0].strip() != "[XSUM]URL[XSUM]":
        raise DataError(f"{where}:1: an extract starts with [XSUM]URL[XSUM]; copy the archive again")
    return lines[1].strip()


def _read_jsonl(path: Path, split: str) -> tuple[list[tuple[str, Article]], DataFile]:
    file = read_text(path)
    articles = [
        (where, _article(record, where, f"{split}-{position:05d}"))
        for position, (where, record) in enumerate(records(file))
    ]
    return articles, DataFile(file.name, file.sha256, len(articles))


def _article(record: Mapping[str, object], where: str, default_id: str) -> Article:
    document, summary = (
        shape.text(shape.member(record, key, where), f"{where}: {key}").strip() for key in ("document", "summary")
    )
    section = record.get("section", record.get("url", ""))
    identifier = shape.identifier(record.get("id", default_id), f"{where}: id")
    return Article(identifier, document, summary, shape.text(section, f"{where}: section").strip())


def _read_lines(source: Path, split: str) -> tuple[list[tuple[str, Article]], DataFile]:
    """The older packaging of the Hugging Face examples, which the paper's code reads: line n belongs to line n."""
    target = source.with_suffix(".target")
    texts = [read_text(path) for path in (source, find_file(source.parent, target.name))]
    documents, summaries = ([line.strip() for line in lines_of(text.text)] for text in texts)
    if len(documents) != len(summaries):
        raise DataError(
            f"{target}: {count(len(summaries), 'line')} where {source.name} has {len(documents)}; copy both files again"
        )
    digest = hashlib.sha256("".join(text.sha256 for text in texts).encode()).hexdigest()
    articles = [
        (
            f"{source}:{position + 1} and {target.name}:{position + 1}",
            Article(f"{split}-{position:05d}", document, summary),
        )
        for position, (document, summary) in enumerate(zip(documents, summaries, strict=True))
    ]
    return articles, DataFile(source.name, digest, len(articles))


def _hugging_face_files(directory: Path, split: str) -> list[Path]:
    """Arrow files of ``save_to_disk`` (``train/data-*.arrow``) or of the cache of ``datasets`` (``xsum-train*.arrow``),
    or Parquet files of the hub (``train-*.parquet``)."""
    patterns = (
        "{}/*.arrow",
        "xsum-{}.arrow",
        "xsum-{}-[0-9]*.arrow",
        "{}-*.parquet",
        "data/{}-*.parquet",
        "{}/*.parquet",
    )
    for name in NAMES[split]:
        for pattern in patterns:
            if files := sorted(filter(Path.is_file, directory.glob(pattern.format(name)))):
                return files
    return []


def _read_tables(directory: Path, paths: list[Path], split: str) -> tuple[list[tuple[str, Article]], DataFile]:
    digest = hashlib.sha256()
    articles: list[tuple[str, Article]] = []
    for path in paths:
        digest.update(hashlib.sha256(read_bytes(path)).digest())
        for number, row in enumerate(_rows(path), start=1):
            where = f"{path}: row {number}"
            articles.append((where, _article(row, where, f"{split}-{len(articles):05d}")))
    name = (
        f"{paths[0].relative_to(directory).as_posix()} and {len(paths) - 1} more" if len(paths) > 1 else paths[0].name
    )
    return articles, DataFile(name, digest.hexdigest(), len(articles))


def _rows(path: Path) -> Iterable[Mapping[str, object]]:
    with reading(path, f"it is no readable {path.suffix[1:]} file: copy it again"):
        # Imported here because they take seconds and this form only needs them.
        if path.suffix == ".parquet":
            from pyarrow import parquet  # type: ignore[import-untyped]

            # datasets would first convert the file into its cache.
            rows: Iterable[Mapping[str, object]] = parquet.read_table(path).to_pylist()
        else:
            from datasets import Dataset  # type: ignore[import-untyped]

            rows = Dataset.from_file(str(path)).to_list()
        return rows
