"""Fetching the corpora from where their authors publish them.

A download that was cut off goes on where it stopped. Whether the copy is whole is for the manifest to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePosixPath
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from prefixrun import files
from prefixrun.data.archive import members
from prefixrun.errors import ConfigError, DataError

CHUNK = 1 << 20
TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as broken."""

_RANGE_NOT_SATISFIABLE = 416
_PARTIAL_CONTENT = 206


@dataclass(frozen=True, slots=True)
class Source:
    """One file to fetch."""

    url: str
    name: str
    """Name in the corpus' directory."""
    unpacks_to: tuple[str, ...] = ()
    """Names of the members of an archive that are kept in its place; none keeps the file as it is."""

    @property
    def kept(self) -> tuple[str, ...]:
        """The files that are there in the end."""
        return self.unpacks_to or (self.name,)


@dataclass(frozen=True, slots=True)
class Publication:
    """Where a corpus is published and on which terms."""

    home: str
    licence: str
    sources: tuple[Source, ...]


_E2E = "https://raw.githubusercontent.com/tuetschek/e2e-dataset/master"
_DART = "https://raw.githubusercontent.com/Yale-LILY/dart/master/data/v1.1.1"
_WEBNLG = "https://gitlab.com/shimorina/webnlg-dataset"
_XSUM = "https://cdn-datasets.huggingface.co/summarization/xsum.tar.gz"

PUBLICATIONS: Mapping[str, Publication] = {
    "e2e": Publication(
        "https://github.com/tuetschek/e2e-dataset",
        "CC BY-SA 4.0",
        tuple(Source(f"{_E2E}/{name}", name) for name in ("trainset.csv", "devset.csv", "testset_w_refs.csv")),
    ),
    "webnlg": Publication(
        _WEBNLG,
        "CC BY-NC-SA 4.0 (not for commercial use)",
        (
            Source(
                f"{_WEBNLG}/-/archive/master/webnlg-dataset-master.tar.gz?path=webnlg_challenge_2017",
                "webnlg_challenge_2017.tar.gz",
            ),
        ),
    ),
    "dart": Publication(
        "https://github.com/Yale-LILY/dart",
        "MIT",
        tuple(
            Source(f"{_DART}/{name}", name)
            for name in (f"dart-v1.1.1-full-{split}.json" for split in ("train", "dev", "test"))
        ),
    ),
    # The files of the paper's code (its authors point to this archive); the articles stay the BBC's.
    "xsum": Publication(
        "https://github.com/EdinburghNLP/XSum",
        "split and code MIT; articles and summaries are the BBC's, for research",
        (
            Source(
                _XSUM,
                "xsum.tar.gz",
                tuple(f"{split}.{side}" for split in ("train", "val", "test") for side in ("source", "target")),
            ),
        ),
    ),
}


def publication(task: str) -> Publication:
    """Where a task's corpus is published. Raises ConfigError for a task that has none."""
    try:
        return PUBLICATIONS[task]
    except KeyError:
        raise ConfigError(f"task={task}: nothing to download; there are {', '.join(PUBLICATIONS)}") from None


def download(task: str, root: Path, say: Callable[[str], None]) -> None:
    """Fetch what is not there of a task's corpus into ``root/<task>/``.

    Args:
        task: one of ``PUBLICATIONS``.
        root: the directory that becomes ``data_dir``.
        say: told about every file.

    Raises:
        ConfigError: unknown task, or a directory that cannot be written in.
        DataError: a file cannot be fetched; says where to put it by hand.
    """
    published = publication(task)
    directory = root / task
    try:
        files.make_directory(directory)
    except ConfigError as error:
        raise ConfigError(f"data_dir={root}: {directory} cannot be written; give another directory") from error
    for source in published.sources:
        if all((directory / name).is_file() or (directory / f"{name}.gz").is_file() for name in source.kept):
            say(f"{', '.join(source.kept)}: there already")
            continue
        say(f"{source.name}: from {source.url}")
        _get(source, directory, published.home)


def _get(source: Source, directory: Path, home: str) -> None:
    target = directory / source.name
    try:
        fetch(source.url, target)
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        by_hand = ", ".join(source.kept)
        raise DataError(
            f"{target}: cannot be fetched from {source.url} ({reason}); run the same command again to go on, or get it "
            f"from {home} on another machine and put {by_hand} into {directory}"
        ) from error
    if source.unpacks_to:
        unpack(target, source.unpacks_to)


def fetch(url: str, target: Path) -> None:
    """Download to ``target``; what an earlier try left in ``target.part`` is not fetched again.

    Raises:
        OSError, HTTPException: of the connection.
        DataError: the connection ended early.
    """
    part = target.with_name(f"{target.name}.part")
    have = part.stat().st_size if part.is_file() else 0
    request = Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310 (only PUBLICATIONS' URLs)
    try:
        with urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
            _append(response, part, have)
    except HTTPError as error:
        # The part is longer than the file on the server: it belongs to another version of it.
        if not (have and error.code == _RANGE_NOT_SATISFIABLE):
            raise
        files.remove(part)
        fetch(url, target)
    else:
        files.move(part, target)


def _append(response: HTTPResponse, part: Path, have: int) -> None:
    goes_on = response.status == _PARTIAL_CONTENT and response.headers.get("Content-Range", "").startswith(
        f"bytes {have}-"
    )
    if have and not goes_on:  # a server that cannot resume sends the whole file
        files.remove(part)
        have = 0
    length = response.headers.get("Content-Length")
    expected = None if length is None else have + int(length)
    files.append_bytes(part, b"")  # an empty file is a file too
    while chunk := response.read(CHUNK):
        files.append_bytes(part, chunk)
        have += len(chunk)
    if expected is not None and have != expected:
        raise DataError(f"{part}: the connection ended after {have:,} of {expected:,} bytes; run again to go on")


def unpack(archive: Path, names: tuple[str, ...]) -> None:
    """Put the members with these file names beside the archive and remove it.

    Raises:
        DataError: damaged archive, or one without some of them.
    """
    missing = set(names)
    for member, data in members(archive, lambda member: PurePosixPath(member).name in names):
        name = PurePosixPath(member).name
        files.write_bytes(archive.parent / name, data)
        missing.discard(name)
    if missing:
        raise DataError(f"{archive}: holds no {', '.join(sorted(missing))}; delete it and download it again")
    files.remove(archive)
