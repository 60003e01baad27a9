"""Downloads from a server of our own: whole, resumed, cut off, refused, unpacked."""

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from prefixrun.data.download import download, fetch
from prefixrun.data.hub import parquet_sources
from prefixrun.data.publications import ALTERNATIVES, PUBLICATIONS, Publication, Source, publication
from prefixrun.errors import ConfigError, DataError

CONTENT = bytes(range(256)) * 20


@dataclass
class Server:
    """A loopback server with one answer to every path that has none of its own, and what it was asked for."""

    address: str = ""
    content: bytes = CONTENT
    resumes: bool = True
    cut_after: int | None = None
    status: int = 200
    ranges: list[str | None] = field(default_factory=list)
    pages: dict[str, bytes] = field(default_factory=dict)
    """Paths with an answer of their own."""


@contextmanager
def serving(state: Server) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            state.ranges.append(wanted)
            content = state.pages.get(self.path, state.content)
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and state.resumes else 0
            if state.status != 200 or start >= len(content):
                self.send_error(state.status if state.status != 200 else 416)
                return
            body = content[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
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
    corpus = published(Source(f"{server.address}/a", "a"), Source(f"{server.address}/b", "b"))
    (tmp_path / "e2e").mkdir()
    (tmp_path / "e2e" / "a.gz").write_bytes(b"mine")
    said: list[str] = []
    download(corpus, tmp_path / "e2e", said.append)
    assert said == ["a: there already", f"b: from {server.address}/b"]
    assert sorted(path.name for path in (tmp_path / "e2e").iterdir()) == ["a.gz", "b"]


def test_an_archive_is_unpacked_to_its_files_only(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.content = archive({"xsum/test.source": b"article", "../test.target": b"summary", "xsum/other": b"no"})
    source = Source(f"{server.address}/x.tar.gz", "x.tar.gz", ("test.source", "test.target"))
    corpus = published(source)
    download(corpus, tmp_path / "e2e", lambda line: None)
    there = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert there == {"e2e/test.source", "e2e/test.target"}
    assert (tmp_path / "e2e" / "test.target").read_bytes() == b"summary"


def test_an_archive_without_its_files_is_refused(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.content = archive({"xsum/test.source": b"article"})
    corpus = published(Source(f"{server.address}/x.tar.gz", "x.tar.gz", ("test.source", "test.target")))
    with pytest.raises(DataError, match=r"x\.tar\.gz: holds no test\.target; delete it"):
        download(corpus, tmp_path / "e2e", lambda line: None)


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
    corpus = published(Source(f"{gone.address}/a", "a"))
    with pytest.raises(DataError) as caught:
        download(corpus, tmp_path / "e2e", lambda line: None)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/e2e/a: cannot be fetched from {gone.address}/a (")
    assert message.endswith(f"get it from https://home on another machine and put a into {tmp_path}/e2e")


def test_a_file_that_has_moved_is_an_error(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.status = 404
    corpus = published(Source(f"{server.address}/a", "a"))
    with pytest.raises(DataError, match=r"\(Not Found\); run the same command again"):
        download(corpus, tmp_path / "e2e", lambda line: None)


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"^data_dir=.*file: .*e2e cannot be written"):
        download(published(), tmp_path / "file" / "e2e", lambda line: None)


def test_a_task_without_a_publication_is_refused() -> None:
    with pytest.raises(ConfigError, match="task=mine: nothing to download; there are e2e, webnlg, dart, xsum"):
        publication("mine")


def test_a_place_that_a_corpus_does_not_have_is_refused() -> None:
    assert publication("xsum", "archive").sources[0].name == "xsum.tar.gz"
    with pytest.raises(ConfigError, match=r"source=hub: xsum has no such source; give source=archive, or leave"):
        publication("xsum", "hub")
    with pytest.raises(ConfigError, match=r"source=archive: e2e has no such source; leave it out"):
        publication("e2e", "archive")


PUBLISHED = [*PUBLICATIONS.values(), *(other for others in ALTERNATIVES.values() for other in others.values())]


@pytest.mark.parametrize("corpus", PUBLISHED)
def test_every_publication_names_a_licence_and_secure_addresses(corpus: Publication) -> None:
    assert corpus.licence
    assert bool(corpus.sources) != bool(corpus.dataset and corpus.by_hand)
    assert all(source.url.startswith("https://") for source in corpus.sources)


@pytest.fixture
def hub(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The loopback server as the hub."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", f"{server.address}/")
    return server


LIST = "/api/datasets/Owner/corpus/parquet"
ON_THE_HUB = Publication("https://home", "MIT", dataset="Owner/corpus", by_hand="train-*.parquet")


def listing(hub: Server, answer: object) -> None:
    hub.pages[LIST] = answer if isinstance(answer, bytes) else json.dumps(answer).encode()


def test_the_hub_is_asked_for_its_files(tmp_path: Path, hub: Server) -> None:
    """Every file is fetched under the name by which the reader of XSUM finds it; what is there is not."""
    addresses = {split: [f"{hub.address}/{split}/{part}" for part in range(2)] for split in ("train", "validation")}
    listing(hub, {"default": addresses})
    (tmp_path / "train-00001.parquet").write_bytes(b"mine")
    said: list[str] = []
    download(ON_THE_HUB, tmp_path, said.append)
    assert said[:2] == [f"train-00000.parquet: from {hub.address}/train/0", "train-00001.parquet: there already"]
    names = ["train-00000.parquet", "train-00001.parquet", "validation-00000.parquet", "validation-00001.parquet"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert [(tmp_path / name).read_bytes() == CONTENT for name in names] == [True, False, True, True]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"<html>log in</html>", "the answer is not JSON; is there a page to log in to"),
        ([], "an object is expected, not a list"),
        ({"a": {}, "b": {}}, "one configuration is expected, not 2"),
        ({"a": {}}, "lists no file"),
        ({"a": {"train": "x"}}, "train: a list is expected, not a string"),
        ({"a": {"train": [3]}}, "train: a string is expected, not a number"),
        ({"a": {"../train": ["https://x"]}}, "'../train' is not the name of a split"),
        ({"a": {"train": ["file:///etc/passwd"]}}, "'file:///etc/passwd' is neither secure nor of"),
        ({"a": {"train": ["http://elsewhere/x"]}}, "'http://elsewhere/x' is neither secure nor of"),
    ],
)
def test_an_answer_of_another_shape_is_refused(hub: Server, answer: object, message: str) -> None:
    listing(hub, answer)
    with pytest.raises(DataError) as caught:
        parquet_sources("Owner/corpus")
    assert str(caught.value).startswith(f"{hub.address}{LIST}")
    assert message in str(caught.value)


def test_a_hub_that_does_not_answer_leaves_the_files_to_the_user(tmp_path: Path, hub: Server) -> None:
    hub.status = 503
    with pytest.raises(DataError) as caught:
        download(ON_THE_HUB, tmp_path, lambda line: None)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}: the hub cannot be asked for the files of Owner/corpus (Service Unavailable")
    assert message.endswith(f"get train-*.parquet from https://home on another machine and put them into {tmp_path}")


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("HF_ENDPOINT", "file:///etc", "HF_ENDPOINT: must begin with https://"),
        ("HF_HUB_OFFLINE", "1", "HF_HUB_OFFLINE: is set, so the hub is not asked"),
    ],
)
def test_settings_that_forbid_to_ask_the_hub(
    hub: Server, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=message):
        parquet_sources("Owner/corpus")
    assert hub.ranges == []
