"""What a manifest vouches for, and what it does not believe."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from prefixrun import files
from prefixrun.errors import DamagedStateError
from prefixrun.training.manifest import MANIFEST, Manifest


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return Manifest(tmp_path / MANIFEST, "run")


def again(manifest: Manifest) -> Manifest:
    """As another process opens it."""
    return Manifest(manifest.path, manifest.run_id)


def test_what_was_written_is_read_again(manifest: Manifest) -> None:
    assert not manifest.exists()
    assert manifest.entries() == {}
    manifest.write({"a": b"one", "b": b""}, "training", {"step": 3, "losses": [0.1 + 0.2]})
    manifest.write({"c": b"three"}, "scoring")
    assert [again(manifest).read(name) for name in ("a", "b", "c")] == [b"one", b"", b"three"]
    entry = again(manifest).entries()["a"]
    assert (entry.size, entry.stage, entry.notes) == (3, "training", {"step": 3, "losses": [0.1 + 0.2]})
    manifest.write({"d": b"four"}, "scoring", keep=["c"])
    assert list(again(manifest).entries()) == ["c", "d"]


def test_what_is_not_listed_or_not_there_has_no_content(manifest: Manifest) -> None:
    manifest.write({"a": b"one"}, "training")
    (manifest.directory / "b").write_bytes(b"two")
    (manifest.directory / "a").unlink()
    assert (manifest.read("a"), manifest.read("b")) == (None, None)
    with pytest.raises(DamagedStateError, match=r"b: was not written by its run .*; move it"):
        manifest.check("b", "move it")


def test_without_a_manifest_every_file_is_believed(manifest: Manifest) -> None:
    manifest.check("a", "move it")


def test_a_file_is_listed_before_it_is_there(manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that one which is there was listed, whenever its writer was killed."""
    write_bytes = files.write_bytes

    def until_killed(path: Path, data: bytes, **named: Path | None) -> Path:
        if path.name == "b":
            raise KeyboardInterrupt
        return write_bytes(path, data, **named)

    manifest.write({"a": b"old"}, "training")
    monkeypatch.setattr(files, "write_bytes", until_killed)
    with pytest.raises(KeyboardInterrupt):
        manifest.write({"b": b"new"}, "training")
    assert "b" in again(manifest).entries()
    assert (again(manifest).read("a"), again(manifest).read("b")) == (b"old", None)


def to_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


CHANGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b" "),
    "empty": lambda path: path.write_bytes(b""),
    "bit": lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1, *path.read_bytes()[1:]])),
    "directory": to_directory,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_file_that_has_changed_is_named_with_the_advice(manifest: Manifest, change: Callable[[Path], object]) -> None:
    manifest.write({"a": b"one"}, "training")
    change(manifest.directory / "a")
    for look in (manifest.read, manifest.check):
        with pytest.raises(DamagedStateError, match=r"a: .*; move it"):
            look("a", "move it")


def test_any_bit_of_the_manifest_counts(manifest: Manifest) -> None:
    """Those of spaces between its values apart, which no reader sees."""
    manifest.write({"a": b"one"}, "training", {"step": 3})
    whole, entries = manifest.path.read_bytes(), manifest.entries()
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1 << position % 8
        manifest.path.write_bytes(changed)
        with suppress(DamagedStateError):
            assert manifest.entries() == entries


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b'{"schema_version": 1}', b"[" * 100_000, b"\xff"])
def test_a_manifest_of_another_form_is_damage(manifest: Manifest, content: bytes) -> None:
    manifest.path.write_bytes(content)
    with pytest.raises(DamagedStateError, match=r"manifest\.json: "):
        manifest.entries()


def test_a_manifest_of_another_run_or_version_is_damage(manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest.write({"a": b"one"}, "training")
    with pytest.raises(DamagedStateError, match=r"manifest\.json: is of another run than other"):
        Manifest(manifest.path, "other").read("a")
    monkeypatch.setattr("prefixrun.training.manifest.VERSION", 2)
    with pytest.raises(DamagedStateError, match=r"manifest\.json: is no manifest of this version"):
        manifest.read("a")


def lines_of(manifest: Manifest) -> list[object]:
    return [record["number"] for record in again(manifest).lines("lines", "decoding").records]


def filled(manifest: Manifest) -> Path:
    lines = manifest.lines("lines", "decoding")
    lines.append([{"number": 1}, {"number": 2}], {"seconds": 1.5})
    lines.append([{"number": 3}], {"seconds": 2.0})
    return manifest.directory / "lines"


def test_a_file_that_grows_goes_on_where_it_was_listed(manifest: Manifest) -> None:
    path = filled(manifest)
    assert lines_of(manifest) == [1, 2, 3]
    lines = again(manifest).lines("lines", "decoding")
    assert (lines.has_changed, lines.notes) == (False, {"seconds": 2.0})
    lines.append([{"number": 4}], {"seconds": 3.0})
    assert lines_of(manifest) == [1, 2, 3, 4]
    again(manifest).check("lines", "advice")
    assert path.read_text().count("\n") == 4


@pytest.mark.parametrize("more", [b'{"number": 4}\n', b'{"numb', b"\xff\xff", b"x\n"])
def test_what_a_kill_leaves_behind_the_listed_end_is_cut_off(manifest: Manifest, more: bytes) -> None:
    path = filled(manifest)
    whole = path.read_bytes()
    path.write_bytes(whole + more)
    assert lines_of(manifest) == [1, 2, 3]
    assert path.read_bytes() == whole


def test_the_first_block_of_a_killed_writer_is_cut_off(manifest: Manifest) -> None:
    (manifest.directory / "lines").write_bytes(b'{"number": 1}\n')
    lines = manifest.lines("lines", "decoding")
    assert (lines.records, lines.has_changed) == ((), False)


@pytest.mark.parametrize("change", [change for name, change in CHANGES.items() if name in ("cut", "empty", "bit")])
def test_nothing_of_a_changed_beginning_is_believed(manifest: Manifest, change: Callable[[Path], object]) -> None:
    path = filled(manifest)
    change(path)
    lines = again(manifest).lines("lines", "decoding")
    assert (lines.records, lines.notes, lines.has_changed) == ((), {}, True)
    lines.append([{"number": 9}], {})
    assert lines_of(manifest) == [9]
    path.unlink()
    assert not again(manifest).lines("lines", "decoding").has_changed


def test_a_restart_believes_nothing(manifest: Manifest) -> None:
    filled(manifest)
    lines = again(manifest).lines("lines", "decoding")
    lines.restart()
    lines.append([{"number": 9}], {})
    assert lines_of(manifest) == [9]


@pytest.mark.parametrize("content", [None, b"{}", b"[]", b"", b"\xff"])
def test_a_file_that_may_not_be_made_otherwise(tmp_path: Path, content: bytes | None) -> None:
    """Of another process that would make it otherwise, or of whoever has edited it."""
    manifest = Manifest(tmp_path / MANIFEST, "run")
    for _ in range(2):
        manifest.write_or_check("subset.json", b'{"train": 1}', "data", "move it away")
    if content is not None:
        (tmp_path / "subset.json").write_bytes(content)
    message = "holds another choice than this run's" if content is None else "has changed since it was written"
    with pytest.raises(DamagedStateError, match=rf"subset\.json: {message}; move it away"):
        manifest.write_or_check("subset.json", b'{"train": 2}', "data", "move it away")
