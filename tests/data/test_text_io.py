"""Reading: compression, encodings, and every way a file can be unreadable."""

import codecs
import gzip
import hashlib
import io
from pathlib import Path

import pytest

from prefixrun.data import text_io
from prefixrun.errors import DataError


def test_checksum_is_of_the_uncompressed_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"caf\xc3\xa9\r\n")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"caf\xc3\xa9\r\n"))
    plain, packed = text_io.read_text(tmp_path / "a.csv"), text_io.read_text(tmp_path / "b.csv.gz")
    assert plain.text == packed.text == "café\r\n"
    assert plain.sha256 == packed.sha256 == hashlib.sha256(b"caf\xc3\xa9\r\n").hexdigest()
    assert packed.name == "b.csv"


def test_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfmr")
    assert text_io.read_text(tmp_path / "a").text == "mr"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"some text that is long enough to cut" * 20)[:-12], r"a\.gz: damaged or truncated gzip file"),
        (b"plain", r"a\.gz: damaged or truncated gzip file"),
        (gzip.compress(b"0" * 1001), "larger than 1000 bytes uncompressed"),
        (gzip.compress(codecs.BOM_UTF8), "the file is empty"),
        (None, "cannot be read"),
    ],
    ids=["truncated gzip", "other bytes", "larger than allowed when decompressed", "a byte order mark", "a directory"],
)
def test_what_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, message: str
) -> None:
    monkeypatch.setattr(text_io, "MAX_BYTES", 1000)
    path = tmp_path / "a.gz"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        text_io.read_bytes(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "^standard input: is empty; pipe a text into it"),
        (gzip.compress(b"text"), "^standard input: is compressed with gzip; pipe it through gunzip"),
        (None, "^standard input: is closed; pipe a text into it, or name a file"),
    ],
)
def test_standard_input_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, content: bytes | None, message: str
) -> None:
    monkeypatch.setattr("sys.stdin", None if content is None else io.TextIOWrapper(io.BytesIO(content)))
    with pytest.raises(DataError, match=message):
        text_io.read_bytes(text_io.STANDARD_INPUT)


def test_plain_file_goes_before_the_compressed_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").touch()
    assert text_io.find_file(tmp_path, "a.csv").name == "a.csv.gz"
    (tmp_path / "a.csv").touch()
    assert text_io.find_file(tmp_path, "a.csv").name == "a.csv"


def test_missing_directory_and_file_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such directory; put the corpus there, or give the data_dir that holds"):
        text_io.find_file(tmp_path / "none", "a.csv")
    with pytest.raises(DataError, match=r"holds no a\.csv or b\.csv \(plain or \.gz\)"):
        text_io.find_file(tmp_path, "a.csv", "b.csv")


def test_line_of_a_bad_byte_is_counted_from_one() -> None:
    with pytest.raises(DataError, match=r"^x\.txt:3: byte 0xff is not UTF-8"):
        text_io.decode(b"one\ntwo\nthr\xffe", "x.txt")
