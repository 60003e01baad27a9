"""Downloads from a server of our own: whole, resumed, cut off, refused, unpacked."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from prefixrun.data import download as module
from prefixrun.data.download import PUBLICATIONS, Publication, Source, download, fetch
from prefixrun.errors import ConfigError, DataError

CONTENT = bytes(range(256)) * 20


@dataclass
class Server:
    """A loopback server with one answer to every path, and what it was asked for."""

    address: str = ""
    content: bytes = CONTENT
    resumes: bool = True
    cut_after: int | None = None
    status: int = 200
    ranges: list[str | None] = field(default_factory=list)


@contextmanager
def serving(state: Server) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            state.ranges.append(wanted)
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and state.resumes else 0
            if state.status != 200 or start >= len(state.content):
                self.send_error(state.status if state.status != 200 else 416)
                return
            body = state.content[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(state.content) - 1}/{len(state.content)}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.cut_after])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (likewise)
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    state = Server()
    with serving(state):
        yield state


def published(monkeypatch: pytest.MonkeyPatch, *sources: Source) -> None:
    monkeypatch.setattr(module, "PUBLICATIONS", {"e2e": Publication("https://home", "CC", sources)})


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


def test_a_server_that_cannot_resume_sends_all_of_it(tmp_path: Path, server: Server) -> None:
    server.resumes = False
    (tmp_path / "x.part").write_bytes(b"begun")
    fetch(f"{server.address}/x", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_begun_again(tmp_path: Path, server: Server) -> None:
    (tmp_path / "x.part").write_bytes(bytes(len(CONTENT) + 1))
    fetch(f"{server.address}/x", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(CONTENT) + 1}-", None]


def test_what_is_there_is_not_fetched_again(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    published(monkeypatch, Source(f"{server.address}/a", "a"), Source(f"{server.address}/b", "b"))
    (tmp_path / "e2e").mkdir()
    (tmp_path / "e2e" / "a.gz").write_bytes(b"mine")
    said: list[str] = []
    download("e2e", tmp_path, said.append)
    assert said == ["a: there already", f"b: from {server.address}/b"]
    assert sorted(path.name for path in (tmp_path / "e2e").iterdir()) == ["a.gz", "b"]


def test_an_archive_is_unpacked_to_its_files_only(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.content = archive({"xsum/test.source": b"article", "../test.target": b"summary", "xsum/other": b"no"})
    source = Source(f"{server.address}/x.tar.gz", "x.tar.gz", ("test.source", "test.target"))
    published(monkeypatch, source)
    download("e2e", tmp_path, lambda line: None)
    there = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert there == {"e2e/test.source", "e2e/test.target"}
    assert (tmp_path / "e2e" / "test.target").read_bytes() == b"summary"


def test_an_archive_without_its_files_is_refused(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.content = archive({"xsum/test.source": b"article"})
    published(monkeypatch, Source(f"{server.address}/x.tar.gz", "x.tar.gz", ("test.source", "test.target")))
    with pytest.raises(DataError, match=r"x\.tar\.gz: holds no test\.target; delete it"):
        download("e2e", tmp_path, lambda line: None)


def archive(contents: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as made:
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def test_without_a_network_the_user_is_told_where_to_put_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    gone = Server()
    with serving(gone):
        pass
    published(monkeypatch, Source(f"{gone.address}/a", "a"))
    with pytest.raises(DataError) as caught:
        download("e2e", tmp_path, lambda line: None)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/e2e/a: cannot be fetched from {gone.address}/a (")
    assert message.endswith(f"get it from https://home on another machine and put a into {tmp_path}/e2e")


def test_a_file_that_has_moved_is_an_error(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.status = 404
    published(monkeypatch, Source(f"{server.address}/a", "a"))
    with pytest.raises(DataError, match=r"\(Not Found\); run the same command again"):
        download("e2e", tmp_path, lambda line: None)


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"^data_dir=.*file: .*e2e cannot be written"):
        download("e2e", tmp_path / "file", lambda line: None)


def test_a_task_without_a_publication_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="task=mine: nothing to download; there are e2e, webnlg, dart, xsum"):
        download("mine", tmp_path, lambda line: None)


@pytest.mark.parametrize("task", PUBLICATIONS)
def test_every_publication_names_a_licence_and_secure_addresses(task: str) -> None:
    assert PUBLICATIONS[task].licence
    assert all(source.url.startswith("https://") for source in PUBLICATIONS[task].sources)
