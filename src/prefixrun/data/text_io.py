"""Safe reading of corpus files: plain or gzip, strict UTF-8, every failure one message with file and line."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prefixrun.errors import ConfigError, DataError, has_lone_surrogate, shortened

# XSUM's training part, the largest file of the four corpora, has about 500 MB; above this it is some other file.
MAX_BYTES = 2 * 1024**3
_GZIP = b"\x1f\x8b"

STANDARD_INPUT = Path("-")
"""Read in place of a file of this name, as other commands do."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file's text with the checksum of its uncompressed bytes."""

    path: Path
    text: str
    sha256: str

    @property
    def name(self) -> str:
        """File name without ``.gz``: a plain and a compressed copy have the same name."""
        return self.path.name.removesuffix(".gz")


def find_file(directory: Path, *names: str) -> Path:
    """The first of ``names`` that lies in ``directory``, as it is or with ``.gz`` behind it.

    Raises:
        DataError: the directory or every one of the files is missing.
    """
    if not directory.is_dir():
        advice = f"put the corpus there, or give the data_dir that holds {directory.name}/"
        if directory.name == directory.parent.name:
            advice = f"data_dir is the directory that holds {directory.name}/: give data_dir={directory.parent.parent}"
        raise DataError(f"{directory}: no such directory; {advice}")
    for name in names:
        for candidate in (directory / name, directory / f"{name}.gz"):
            if candidate.is_file():
                return candidate
    candidates = " or ".join(names)
    raise DataError(f"{directory}: holds no {candidates} (plain or .gz); copy the release's file there")


def is_there(directory: Path, name: str) -> bool:
    """Whether a file of this name lies in the directory, as it is or with ``.gz`` behind it."""
    return (directory / name).is_file() or (directory / f"{name}.gz").is_file()


def read_bytes(path: Path) -> bytes:
    """The file's bytes, uncompressed when the name ends in ``.gz``; those of standard input for ``-``.

    Raises:
        DataError: unreadable, empty, damaged or truncated gzip, gzip by another name, or larger than ``MAX_BYTES``.
    """
    where: Path | str = path
    if_empty, if_packed = "the file is empty; copy it again", "give it a name that ends in .gz"
    if path == STANDARD_INPUT:
        where, if_empty, if_packed = "standard input", "is empty; pipe a text into it", "pipe it through gunzip"
    try:
        data = _content(path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{where}: damaged or truncated gzip file ({error}); copy it again") from error
    except OSError as error:
        raise DataError(
            f"{where}: cannot be read ({error.strerror or error}); check the path and its rights"
        ) from error
    if not data.removeprefix(codecs.BOM_UTF8):
        raise DataError(f"{where}: {if_empty}")
    if data.startswith(_GZIP) and not path.name.endswith(".gz"):
        raise DataError(f"{where}: is compressed with gzip; {if_packed}")
    if len(data) > MAX_BYTES:
        raise DataError(f"{where}: larger than {MAX_BYTES} bytes uncompressed; no corpus file is; check what it is")
    return data


def _content(path: Path) -> bytes:
    """At most MAX_BYTES + 1 bytes, uncompressed. Raises OSError, EOFError, zlib.error and DataError."""
    if path == STANDARD_INPUT:
        if sys.stdin is None:
            raise DataError("standard input: is closed; pipe a text into it, or name a file")
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    if path.is_char_device() or path.is_block_device():
        raise DataError(f"{path}: is a device, which may have no end; name a file")
    with path.open("rb") as raw, gzip.open(raw) if path.name.endswith(".gz") else raw as stream:
        return stream.read(MAX_BYTES + 1)


def decode(data: bytes, where: Path | str) -> str:
    """UTF-8 text without a byte order mark.

    Raises:
        DataError: bytes that are not UTF-8, with their line.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{where}:{line}: byte 0x{data[error.start]:02x} is not UTF-8; convert the file to UTF-8 (iconv)"
        ) from error


def read_text(path: Path) -> TextFile:
    """The whole file as text, with its checksum.

    Raises:
        DataError: as ``read_bytes`` and ``decode``.
    """
    data = read_bytes(path)
    return TextFile(path, decode(data, path), hashlib.sha256(data).hexdigest())


def lines_of(text: str) -> list[str]:
    """The lines of a text, without their ends: a line feed, alone or behind a carriage return, and nothing else.

    The last line may have an end or not. Other characters that Unicode calls line ends (U+0085, U+2028) are part of
    the text, as for the official scorers.
    """
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def one_line(text: str) -> str:
    """The text with every run of white space, line breaks included, as a single blank, without blanks at the ends."""
    return " ".join(text.split())


def checked_texts(name: str, texts: Sequence[str]) -> list[str]:
    """The texts that a public function called `name` was given. Raises ConfigError for what is no list of texts."""
    if isinstance(texts, str):
        raise ConfigError(f"{name}: takes a list of texts, not one text")
    texts = list(texts)
    for number, text in enumerate(texts, start=1):
        if not isinstance(text, str):
            raise ConfigError(f"{name}: text {number} is {shortened(repr(text))}, which is no text")
        if has_lone_surrogate(text):
            raise ConfigError(f"{name}: text {number} has half of a surrogate pair, which is no character")
    return texts
