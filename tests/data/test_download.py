"""Downloads from a loopback server: whole, resumed, cut off, refused, unpacked."""

import io
import tarfile
from pathlib import Path

import pytest

from loopback import CONTENT, Server, serving
from prefixrun.data.download import download, fetch
from prefixrun.data.publications import Publication, Source
from prefixrun.errors import ConfigError, DataError


def published(*sources: Source) -> Publication:
    return Publication("https://home", "CC", sources)


def test_a_file_is_fetched_whole(tmp_path: Path, server: Server) -> None:
    fetch(f"{server.address}/x", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_download_that_was_cut_off_goes_on_where_it_stopped(tmp_path: Path, server: Server) -> None:
    server.cut_after = 1000
    with pytest.raises(DataError, match=r"ended after 1,000 of 5,120 bytes; run again"):
        fetch(f"{server.address}/x", tmp_path / "x")
    assert not (tmp_path / "x").exists()
    server.cut_after = None
    fetch(f"{server.address}/x", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000-"]


@pytest.mark.parametrize(
    ("part", "resumes", "ranges"),
    [
        (b"begun", False, ["bytes=5-"]),
        (bytes(len(CONTENT) + 1), True, [f"bytes={len(CONTENT) + 1}-", None]),
    ],
    ids=["a server that cannot resume", "a part longer than the file"],
)
def test_a_part_that_cannot_go_on_is_fetched_from_the_start(
    tmp_path: Path, server: Server, part: bytes, resumes: bool, ranges: list[str | None]
) -> None:
    server.resumes = resumes
    (tmp_path / "x.part").write_bytes(part)
    fetch(f"{server.address}/x", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert server.ranges == ranges


def test_what_is_there_is_not_fetched_again(tmp_path: Path, server: Server) -> None:
    corpus = published(Source(f"{server.address}/a", "a"), Source(f"{server.address}/b", "b"))
    (tmp_path / "e2e").mkdir()
    (tmp_path / "e2e" / "a.gz").write_bytes(b"mine")
    said: list[str] = []
    download(corpus, tmp_path / "e2e", said.append)
    assert said == ["a: there already", f"b: from {server.address}/b"]
    assert sorted(path.name for path in (tmp_path / "e2e").iterdir()) == ["a.gz", "b"]


def archive(contents: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as made:
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def test_an_archive_is_unpacked_to_its_files_only(tmp_path: Path, server: Server) -> None:
    corpus = published(Source(f"{server.address}/x.tar.gz", "x.tar.gz", ("test.source", "test.target")))
    server.content = archive({"xsum/test.source": b"article", "../test.target": b"summary", "xsum/other": b"no"})
    download(corpus, tmp_path / "e2e", lambda line: None)
    there = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert there == {"e2e/test.source", "e2e/test.target"}
    assert (tmp_path / "e2e" / "test.target").read_bytes() == b"summary"
    server.content = archive({"xsum/test.source": b"article"})
    with pytest.raises(DataError, match=r"x\.tar\.gz: holds no test\.target; delete it"):
        download(corpus, tmp_path / "without", lambda line: None)


def test_without_a_network_the_user_is_told_where_to_put_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    gone = Server()
    with serving(gone):
        pass
    corpus = published(Source(f"{gone.address}/a", "a"))
    with pytest.raises(DataError) as caught:
        download(corpus, tmp_path / "e2e", lambda line: None)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/e2e/a: cannot be fetched from {gone.address}/a (")
    assert message.endswith(f"get it from https://home on another machine and put a into {tmp_path}/e2e")


def test_a_file_that_has_moved_is_an_error(tmp_path: Path, server: Server) -> None:
    server.status = 404
    with pytest.raises(DataError, match=r"\(Not Found\); run the same command again"):
        download(published(Source(f"{server.address}/a", "a")), tmp_path / "e2e", lambda line: None)


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"^data_dir=.*file: .*e2e cannot be written"):
        download(published(), tmp_path / "file" / "e2e", lambda line: None)
