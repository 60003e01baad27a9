"""Whatever is typed, the command answers with a documented exit code and one message, and nothing is written."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from command_lines import FILES, LineCase, line_cases
from oracle import give, parameters
from prefixrun.cli import run_command
from prefixrun.runs import pipeline
from prefixrun.sweeps import execute
from scene import Scene, copy_scene, place


@pytest.fixture(scope="module")
def scene(moments: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Finished runs, files to be named, and a command that trains nothing."""
    with place(tmp_path_factory.mktemp("lines")) as root, pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "complete", lambda *_: True)
        patch.setattr(run_command, "show", lambda *_, **__: None)
        patch.setattr(execute, "sweep", lambda *_: 0)
        here = root / "here"
        for name, content in FILES.items():
            (here / name).write_bytes(content)
        (here / "folder").mkdir()
        (here / "loop").symlink_to("loop")
        (here / "unreadable.txt").chmod(0)
        yield copy_scene(moments["finished"], root)


@pytest.mark.usefixtures("_user")
@pytest.mark.parametrize("case", parameters(line_cases(), one_in=40))
def test_a_hostile_command_line(case: LineCase, scene: Scene) -> None:
    before = scene.beside()

    answer = give(case.line(scene))

    assert answer.faults == [], answer
    if not case.writes:
        assert scene.beside() == before, answer
