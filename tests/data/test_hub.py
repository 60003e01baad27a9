"""The list of files of a data set on the hub: its form, and what is refused."""

import json
from pathlib import Path

import pytest

from loopback import CONTENT, Server
from prefixrun.data.download import download
from prefixrun.data.hub import parquet_sources
from prefixrun.data.publications import Publication
from prefixrun.errors import ConfigError, DataError


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
