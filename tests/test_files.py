"""Writing: all or nothing at any moment, on the disk, inside its directory, readable JSON."""

import errno
import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkout import python
from prefixrun import files
from prefixrun.errors import ConfigError, DamagedStateError, DiskFullError, PrefixrunError

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)  # it waits for the disk
@given(value=JSON_VALUES)
def test_json_reads_back_as_it_was_written(value: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("json") / "value.json"
    files.write_json(path, value)
    assert files.read_json(path) == value
    assert path.read_bytes().endswith(b"\n")


@settings(deadline=None)  # it waits for the disk
@given(records=st.lists(st.dictionaries(st.text(), st.text(), max_size=3), max_size=4), cut=st.integers(min_value=0))
def test_a_file_of_records_cut_anywhere_gives_its_whole_records_and_can_be_continued(
    records: list[dict[str, str]], cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("lines") / "records.jsonl"
    files.append_lines(path, map(files.canonical_json, records))
    data = path.read_bytes()
    kept = data[: cut % (len(data) + 1)]
    path.write_bytes(kept)

    read = files.read_json_lines(path)
    assert list(read.records) == records[: kept.count(b"\n")]
    assert read.torn == kept.rpartition(b"\n")[2]

    files.append_lines(path, map(files.canonical_json, records[len(read.records) :]))
    assert path.read_bytes() == data


def test_a_torn_line_longer_than_a_block_is_cut_off_before_the_next_record(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(b'{"a":1}\n' + b'{"b":"' + b"x" * 200_000)
    files.append_lines(path, ['{"c":3}'])
    assert path.read_bytes() == b'{"a":1}\n{"c":3}\n'


def test_a_missing_file_of_records_has_none(tmp_path: Path) -> None:
    assert files.read_json_lines(tmp_path / "none.jsonl") == files.JsonLines((), b"")


@pytest.mark.parametrize("line", ["{broken", "[1]", '{"a": NaN}', "", "\udcff"])
def test_a_damaged_record_before_the_end_is_reported_with_its_line(line: str, tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(b'{"a":1}\n' + line.encode("utf-8", "surrogateescape") + b'\n{"a":2}\n')
    with pytest.raises(DamagedStateError, match=r"records\.jsonl:2: "):
        files.read_json_lines(path)


def test_a_record_with_a_line_break_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line break"):
        files.append_lines(tmp_path / "a.jsonl", ["fine", "not\nfine"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"scores": {"BLEU": {"value": float("nan")}}}, r"value\.scores\.BLEU\.value is nan"),
        ([1.0, float("inf")], r"value\[1\] is inf"),
        ({"a": (0.0, -float("inf"))}, r"value\.a\[1\] is -inf"),
    ],
)
def test_numbers_that_json_does_not_have_are_refused_with_their_place(
    value: object, place: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=place):
        files.write_json(tmp_path / "a.json", value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [{"path": Path("/home")}, {"a": {1, 2}}, {"a": b"x"}, {3: "x"}])
def test_values_without_a_form_in_json_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="value"):
        files.canonical_json(value)


def test_equal_values_have_one_canonical_form() -> None:
    @dataclass(frozen=True)
    class Pair:
        b: tuple[int, ...]
        a: str

    assert files.canonical_json(Pair((1, 2), "ä")) == '{"a":"ä","b":[1,2]}'
    assert files.canonical_json({"a": "ä", "b": [1, 2]}) == files.canonical_json(Pair((1, 2), "ä"))


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", '{"a": NaN}', '{"a": Infinity}', '{"a": 1e999}', '{"a": -1e999}'),
        *('{"a": ' + "9" * 400 + "}", "[" * 100_000, '{"a": "\\ud800"}', '{"a": "\\uDC00 and so on"}'),
    ],
)
def test_a_damaged_json_file_is_reported_with_its_name(content: str, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(content)
    with pytest.raises(DamagedStateError, match=r"result\.json: "):
        files.read_json(path)


def test_escaped_characters_and_large_numbers_are_read(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text('["\\ud83d\\ude00", 1e300, -9223372036854775808]')
    assert files.read_json(path) == ["😀", 1e300, -(2**63)]


@pytest.mark.parametrize("escape", ["../outside", "a/../../outside", "/etc/outside", "link/outside"])
def test_nothing_is_written_outside_the_root(escape: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(ConfigError, match="lies outside"):
        files.write_bytes(Path(escape), b"x", root=root)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["root"]


def test_a_path_inside_the_root_is_written_there(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    files.write_bytes(Path("a/../a/b.txt"), b"x", root=tmp_path)
    assert (tmp_path / "a" / "b.txt").read_text() == "x"


def test_an_impossible_directory_is_an_error_that_names_the_key(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for attempt in (
        lambda: files.make_directory(tmp_path / "file" / "results"),
        lambda: files.make_directory(tmp_path / "file"),
        lambda: files.write_text(tmp_path / "file" / "a.txt", "x"),
        lambda: files.write_text(tmp_path / "missing" / "a.txt", "x"),
        lambda: files.append_lines(tmp_path / "missing" / "a.txt", ["x"]),
    ):
        with pytest.raises(ConfigError, match=r"results_dir: .* results_dir=DIR"):
            attempt()


def test_a_directory_without_permission_is_an_error_that_names_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(ConfigError, match=r"results_dir: .*no permission"):
        files.make_directory(tmp_path / "results")


@pytest.mark.parametrize(
    "write",
    [
        lambda path: files.write_text(path, "new" * 1000),
        lambda path: files.append_lines(path, ["new"]),
    ],
)
def test_a_full_disk_leaves_the_old_file_and_says_so(
    write: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old\n")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PrefixrunError, match="disk is full") as raised:
        write(path)
    assert type(raised.value) is DiskFullError
    assert path.read_text() == "old\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_the_data_and_the_directory_are_on_the_disk_before_a_write_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    real = os.fsync

    def note(descriptor: int) -> None:
        names = {(path.stat().st_dev, path.stat().st_ino): path.name for path in (tmp_path, *tmp_path.iterdir())}
        status = os.fstat(descriptor)
        synced.append(names[status.st_dev, status.st_ino])
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    files.write_text(tmp_path / "a.txt", "x")
    assert [name.startswith(".a.txt") for name in synced] == [True, False]
    assert synced[1] == tmp_path.name

    del synced[:]
    files.append_lines(tmp_path / "b.jsonl", ["first"])
    files.append_lines(tmp_path / "b.jsonl", ["second"])
    assert synced == ["b.jsonl", tmp_path.name, "b.jsonl"]


def test_files_get_the_ordinary_permissions(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        files.write_text(tmp_path / "a.txt", "x")
    finally:
        os.umask(old)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640


def test_leftovers_of_killed_writers_are_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".a.json.tmp-123-abcd").write_text("half")
    (tmp_path / ".hidden").write_text("mine")
    (tmp_path / "a.json").write_text("{}")
    assert files.remove_leftovers(tmp_path) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", "a.json"]


KILLED_AT_A_STEP = """
import builtins, os, signal, sys
from pathlib import Path
from prefixrun import files
target, step = Path(sys.argv[1]), int(sys.argv[2])
steps = 0
def counted(function):
    def call(*arguments, **keywords):
        global steps
        steps += 1
        if steps == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **keywords)
    return call
os.fsync, os.replace, files.open = counted(os.fsync), counted(os.replace), counted(builtins.open)
files.write_bytes(target, b"new" * 100_000)
"""


@pytest.mark.parametrize(
    ("step", "survives"), [(1, b"old"), (2, b"old"), (3, b"old"), (4, b"new" * 100_000), (5, b"new" * 100_000)]
)
def test_killed_at_any_step_of_a_write_a_reader_sees_the_old_file_or_the_new_one(
    step: int, survives: bytes, tmp_path: Path
) -> None:
    """Steps: open the temporary file, sync it, rename it, sync the directory, after all."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    assert python("-c", KILLED_AT_A_STEP, str(path), str(step)).returncode == (-signal.SIGKILL if step < 5 else 0)
    assert path.read_bytes() == survives
    files.remove_leftovers(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_written_json_is_standard_json_in_a_stable_order(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    files.write_json(path, {"b": 1, "a": {"d": None, "c": 0.1}})
    assert path.read_text() == '{\n  "a": {\n    "c": 0.1,\n    "d": null\n  },\n  "b": 1\n}\n'
    assert json.loads(path.read_text()) == {"b": 1, "a": {"d": None, "c": 0.1}}


def test_bytes_are_appended_and_a_whole_file_gets_its_name(tmp_path: Path) -> None:
    for data in (b"", b"one\x00", b"two"):
        files.append_bytes(tmp_path / "x.part", data)
    (tmp_path / "x").write_bytes(b"before")
    assert files.move(tmp_path / "x.part", tmp_path / "x").read_bytes() == b"one\x00two"
    assert not (tmp_path / "x.part").exists()


@pytest.mark.parametrize(
    "write",
    [
        lambda path: files.append_bytes(path, b"x"),
        lambda path: files.append_lines(path, ["x"]),
        lambda path: files.cut(path, 0),
    ],
)
@pytest.mark.parametrize("exists", [True, False])
def test_nothing_is_changed_in_place_through_a_link(
    write: Callable[[Path], object], exists: bool, tmp_path: Path
) -> None:
    if exists:
        (tmp_path / "other").write_text("whole\n")
    (tmp_path / "link").symlink_to(tmp_path / "other")
    with pytest.raises(DamagedStateError, match="link: is a link, and nothing is written through one"):
        write(tmp_path / "link")
    assert (tmp_path / "other").exists() == exists
    assert not exists or (tmp_path / "other").read_text() == "whole\n"


def test_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"12345")
    files.cut(path, 2)
    assert path.read_bytes() == b"12"


def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="pipe: is no regular file"):
        files.write_text(tmp_path / "pipe", "x")
    assert (tmp_path / "pipe").is_fifo()
