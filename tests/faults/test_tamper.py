"""Whatever becomes of a file of a run, nothing wrong reaches a result, and other runs are still shown."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from oracle import Answer, give, outcome, parameters
from prefixrun.files import read_json, read_json_lines
from prefixrun.metrics.system_outputs import read_outputs
from scene import Scene, copy_scene, place
from tamper import FILES, WRONG, TamperCase, tamper_cases

WHOLE_TREE = ("ls", "tables", "report")
"""Verbs that show every run: one that is damaged does not stop them."""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    with place(tmp_path):
        yield tmp_path


@pytest.mark.usefixtures("_user")
@pytest.mark.parametrize("case", parameters(tamper_cases(), one_in=40))
def test_a_damaged_run(case: TamperCase, root: Path, moments: dict[str, Path]) -> None:
    scene = copy_scene(moments[case.moment], root)
    original = moments["finished"] / "runs" / scene.run.name
    whole = outcome(original)
    case.apply(scene)
    result = scene.run / "result.json"
    before = scene.beside()
    result_before = _bytes(result)

    answer = give(case.words(scene))

    assert answer.faults == [], answer
    assert scene.beside() == before, "something outside the tree was changed"
    if case.verb in WHOLE_TREE:
        assert answer.code == 0, answer
    if case.is_noticed:
        assert answer.code != 0, answer
    if result_before is None and _bytes(result) is not None:
        assert answer.code == 0, answer
        assert outcome(scene.run) == whole, answer
    if case.verb == "resume" and answer.code == 0:
        assert _bytes(result) is not None, answer
    if case.verb == "resume" and answer.code == 5:
        assert str(scene.run) in answer.err, answer
    if case.verb == "keep" and answer.code == 0:
        _check_the_record(scene.tree / "records" / scene.run.name, original)
    _check_that_the_others_are_shown(scene, answer)


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _check_the_record(record: Path, original: Path) -> None:
    assert read_json(record / "result.json") == read_json(original / "result.json")
    outputs = {each["id"]: each["output"] for each in read_json_lines(original / "generations.jsonl").records}
    texts = read_outputs(record / "outputs.jsonl.gz")
    assert dict(zip(texts.ids, texts.texts, strict=True)) == outputs
    counts = [pd.read_parquet(directory / "stats.parquet") for directory in (record, original)]
    pd.testing.assert_frame_equal(*counts, check_dtype=False)


def _check_that_the_others_are_shown(scene: Scene, answer: Answer) -> None:
    shown = give(["ls", f"results_dir={scene.tree}"])
    assert shown.code == 0, shown
    assert shown.faults == [], shown
    assert all(run in shown.out for run in scene.others), (answer, shown)


@pytest.mark.parametrize("moment", FILES)
def test_the_table_names_every_file_of_a_moment(moment: str, root: Path, moments: dict[str, Path]) -> None:
    run = copy_scene(moments[moment], root).run
    found = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    assert found == {*FILES[moment]}


def test_every_damage_is_of_a_file_that_there_is() -> None:
    assert WRONG.keys() <= {file for files in FILES.values() for file in files}
