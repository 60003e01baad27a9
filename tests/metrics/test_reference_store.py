"""Prepared references on disk: made once, read again, and never trusted when damaged."""

import json
from pathlib import Path

import pytest

from prefixrun.errors import ConfigError
from prefixrun.metrics import preparation, reference_store
from prefixrun.metrics.preparation import DART
from prefixrun.metrics.reference_store import stored

TEXTS = ["The Mill, a pub.", "Café\u2028Cotto", "", "half a pair \ud83d"]


class Count:
    """A preparation that knows how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, text: str) -> str:
        self.calls += 1
        return text.replace("\ud83d", "?").lower()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(reference_store, "FEWEST_TEXTS", 2)
    monkeypatch.setattr(preparation, "_prepared", {})
    return tmp_path / "prefixrun" / "references"


def test_texts_are_prepared_once(folder: Path) -> None:
    prepare = Count()
    first = stored("lower", TEXTS, prepare)
    assert first == [prepare(text) for text in TEXTS]
    prepare.calls = 0
    assert stored("lower", TEXTS, prepare) == first
    assert prepare.calls == 0
    assert len(list(folder.iterdir())) == 1


def test_other_texts_preparations_and_versions_are_other_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = Count()
    stored("lower", TEXTS, prepare)
    stored("lower", TEXTS[::-1], prepare)
    stored("other", TEXTS, prepare)
    monkeypatch.setattr(reference_store, "SEMANTICS", 0)
    stored("lower", TEXTS, prepare)
    assert prepare.calls == 4 * len(TEXTS)
    assert len(list(folder.iterdir())) == 4


def test_few_texts_are_not_worth_a_file(folder: Path) -> None:
    assert stored("lower", ["A"], str.lower) == ["a"]
    assert not folder.exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"mill", b"mall"),
        lambda data: b"[]",
        lambda data: b'{"texts": 3}',
        lambda data: b"\xff\x00",
        lambda data: json.dumps(json.loads(data) | {"texts": ["the mill, a pub."]}).encode(),
    ],
)
def test_a_damaged_file_is_made_again(folder: Path, damage) -> None:
    whole = stored("lower", TEXTS, Count())
    (path,) = folder.iterdir()
    good = path.read_bytes()
    path.write_bytes(damage(good))
    assert stored("lower", TEXTS, Count()) == whole
    assert path.read_bytes() == good


def test_a_directory_that_cannot_be_written_costs_only_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ConfigError("read-only")

    monkeypatch.setattr(reference_store, "write_json", refuse)
    prepare = Count()
    assert stored("lower", TEXTS, prepare) == stored("lower", TEXTS, prepare)
    assert prepare.calls == 2 * len(TEXTS)


def test_a_text_is_prepared_once_for_all_metrics_and_parts(folder: Path) -> None:
    references = (("The Mill!", "A pub."), ("Cotto",), ("A pub.",))
    assert DART.references(references) == (("the mill !", "a pub ."), ("cotto",), ("a pub .",))
    (path,) = folder.iterdir()
    path.unlink()
    assert DART.references(references[1:]) == (("cotto",), ("a pub .",))
    assert not list(folder.iterdir())
