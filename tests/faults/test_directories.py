"""Whatever lies in a directory of others, it is read or refused with one message, and other runs are still shown."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from directories import FILES, DirectoryCase, directory_cases, make_originals
from oracle import give, parameters
from prefixrun.cli import run_command
from prefixrun.runs import pipeline
from prefixrun.sweeps import execute
from scene import copy_scene, place

WHOLE_TREE = ("ls", "tables", "report")


@pytest.fixture(scope="module")
def originals(moments: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("originals")
    make_originals(root, moments["finished"])
    return root


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place, and a command that trains nothing."""
    monkeypatch.setattr(pipeline, "complete", lambda *_: True)
    monkeypatch.setattr(run_command, "show", lambda *_, **__: None)
    monkeypatch.setattr(execute, "sweep", lambda *_: 0)
    with place(tmp_path):
        yield tmp_path


@pytest.mark.usefixtures("_user")
@pytest.mark.parametrize("case", parameters(directory_cases(), one_in=30))
def test_a_directory_of_others(case: DirectoryCase, root: Path, moments: dict[str, Path], originals: Path) -> None:
    scene = copy_scene(moments["finished"], root)
    directory = scene.tree / "directories"
    for kind in case.kinds:
        shutil.copytree(originals / kind, directory / kind)
    case.apply(scene, directory)
    before = scene.beside()

    answer = give(case.line(scene, directory))

    assert answer.faults == [], answer
    assert scene.beside() == before, answer
    if case.words[0] in WHOLE_TREE:
        assert answer.code == 0, answer
        shown = give(["ls", f"results_dir={scene.tree}"])
        assert all(run in shown.out for run in scene.others), shown


def test_the_table_names_files_that_there_are(originals: Path) -> None:
    for file in FILES:
        kind, _, name = file.partition("/")
        assert list((originals / kind).rglob(name)), file
