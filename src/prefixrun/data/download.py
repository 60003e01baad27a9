"""Fetching the corpora from where their authors publish them.

A download that was cut off goes on where it stopped. The manifest checks whether the copy is complete.
"""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePosixPath
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from prefixrun import files
from prefixrun.data.archive import members
from prefixrun.data.hub import TIMEOUT, parquet_sources
from prefixrun.data.publications import Publication, Source
from prefixrun.data.text_io import is_there
from prefixrun.errors import ConfigError, DataError

CHUNK = 1 << 20
_RANGE_NOT_SATISFIABLE = 416
_PARTIAL_CONTENT = 206


def download(published: Publication, directory: Path, report: Callable[[str], None]) -> None:
    """Fetch the files of a corpus that the directory lacks.

    Args:
        published: where it is.
        directory: of the corpus, ``<data_dir>/<task>``.
        report: called with a line about every file.

    Raises:
        ConfigError: a directory that cannot be written in, or settings that forbid to ask the hub.
        DataError: a file cannot be fetched; says where to put it by hand.
    """
    try:
        files.make_directory(directory)
    except ConfigError as error:
        raise ConfigError(
            f"data_dir={directory.parent}: {directory} cannot be written; give another directory"
        ) from error
    for source in published.sources or _listed(published, directory):
        if all(is_there(directory, name) for name in source.files):
            report(f"{', '.join(source.files)}: there already")
            continue
        report(f"{source.name}: from {source.url}")
        _get(source, directory, published.home)


def _listed(published: Publication, directory: Path) -> tuple[Source, ...]:
    try:
        return parquet_sources(published.dataset)
    except (OSError, HTTPException) as error:
        raise DataError(
            f"{directory}: the hub cannot be asked for the files of {published.dataset} ({_reason(error)}); run the "
            f"same command again, or get {published.by_hand} from {published.home} on another machine and put them "
            f"into {directory}"
        ) from error


def _get(source: Source, directory: Path, home: str) -> None:
    target = directory / source.name
    try:
        fetch(source.url, target)
    except (OSError, HTTPException) as error:
        by_hand = ", ".join(source.files)
        raise DataError(
            f"{target}: cannot be fetched from {source.url} ({_reason(error)}); run the same command again to go on, "
            f"or get it from {home} on another machine and put {by_hand} into {directory}"
        ) from error
    if source.unpacks_to:
        unpack(target, source.unpacks_to)


def _reason(error: Exception) -> object:
    """What went wrong in the server's words; an answer that is an error still holds its connection."""
    if isinstance(error, HTTPError):
        error.close()
    return getattr(error, "reason", None) or error


def fetch(url: str, target: Path) -> None:
    """Download to ``target``; what an earlier try left in ``target.part`` is not fetched again.

    Raises:
        OSError, HTTPException: of the connection.
        DataError: the connection ended early.
    """
    part = target.with_name(f"{target.name}.part")
    have = part.stat().st_size if part.is_file() else 0
    request = Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310 (of a Publication, or checked by the hub module)
    try:
        with urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
            _append(response, part, have)
    except HTTPError as error:
        # The part is no shorter than the file on the server: it is whole, or belongs to another version of it.
        if not (have and error.code == _RANGE_NOT_SATISFIABLE):
            raise
        error.close()
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
    expected = None if response.length is None else have + response.length
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
