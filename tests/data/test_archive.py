"""Tar archives are read in place: which members are read, and what is refused."""

import io
import tarfile
from pathlib import Path

import pytest

from prefixrun.data import archive
from prefixrun.errors import DataError


def pack(path: Path, contents: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as packed:
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(link)
    return path


def test_regular_files_that_are_selected_in_the_order_of_the_archive(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar.gz", {"b.txt": b"2", "../a.txt": b"1", "c.bin": b"3"})
    assert list(archive.members(path, lambda name: name.endswith(".txt"))) == [("b.txt", b"2"), ("../a.txt", b"1")]
    assert [file.name for file in tmp_path.iterdir()] == ["a.tar.gz"]


@pytest.mark.parametrize("damage", [lambda data: data[:-40], lambda data: b"no archive", lambda data: b""])
def test_damaged_archives_are_refused(tmp_path: Path, damage) -> None:
    path = pack(tmp_path / "a.tar.gz", {f"{n}.txt": bytes(range(256)) * 8 for n in range(20)})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"a\.tar\.gz: damaged or truncated archive"):
        list(archive.members(path, lambda name: True))


def test_a_missing_archive_and_a_member_that_is_too_large_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match=r"none\.tar: cannot be read"):
        list(archive.members(tmp_path / "none.tar", lambda name: True))
    monkeypatch.setattr(archive, "MAX_BYTES", 3)
    path = pack(tmp_path / "a.tar.gz", {"a.txt": b"1234"})
    with pytest.raises(DataError, match=r"a\.tar\.gz/a\.txt: larger than 3 bytes"):
        list(archive.members(path, lambda name: True))
