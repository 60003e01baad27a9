"""Whatever bytes lie in a file that readers open: a value that keeps its promise, or one of our errors."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prefixrun.errors import PrefixrunError
from prefixrun.results.listing import load
from prefixrun.results.records import load_records
from synthetic_records import write_record

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=8
)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a run."""
    return write_record(tmp_path_factory.mktemp("results"), folder="runs", inputs=2)


@pytest.fixture(scope="module")
def originals(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.iterdir()}


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*place, key)
        yield from places(part, (*place, key))


def use(tree: Path) -> None:
    """Every reader of what a tree holds."""
    listing = load(tree)
    assert len(listing.runs) + len(listing.skipped) == 1
    for record in load_records(tree).runs:
        assert record.group_key
        for read in (record.outputs, record.generations, record.checked_stats):
            try:
                read()
            except PrefixrunError as error:
                assert str(error)  # noqa: PT017 - a value is right too


@QUICK
@given(st.data())
def test_a_result_with_any_value_at_any_place(run: Path, originals: dict[str, bytes], data: st.DataObject) -> None:
    result = json.loads(originals["result.json"])
    place = data.draw(st.sampled_from(list(places(result))))
    part = result
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = data.draw(VALUES)
    (run / "result.json").write_text(json.dumps(result))
    use(run.parent.parent)
    (run / "result.json").write_bytes(originals["result.json"])


@QUICK
@given(st.data())
def test_any_damage_of_any_file(run: Path, originals: dict[str, bytes], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(originals)))
    content = originals[name]
    start = data.draw(st.integers(0, len(content)))
    middle = data.draw(st.one_of(st.binary(max_size=20), st.just(b"null"), st.just(b"\n{}\n")))
    end = data.draw(st.one_of(st.just(start), st.integers(start, len(content)), st.just(len(content))))
    (run / name).write_bytes(content[:start] + middle + content[end:])
    use(run.parent.parent)
    (run / name).write_bytes(content)


UNFINISHED = ("config.json", "subset.json", "failed.json", "holder.json")


@QUICK
@given(st.dictionaries(st.sampled_from(UNFINISHED), st.binary(max_size=80) | VALUES.map(json.dumps).map(str.encode)))
def test_any_files_of_an_unfinished_run(tmp_path: Path, files: dict[str, bytes]) -> None:
    directory = tmp_path / "runs" / "e2e-prefix-m-0123456789ab"
    directory.mkdir(parents=True, exist_ok=True)
    for name in UNFINISHED:
        (directory / name).unlink(missing_ok=True)
    for name, data in files.items():
        (directory / name).write_bytes(data)
    use(tmp_path)
