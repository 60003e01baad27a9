"""The command in this process, and in one of its own where signals or imports matter."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from checkout import environment
from prefixrun.cli.main import main
from prefixrun.metrics.base import prepared
from small_run import SMALL


@pytest.fixture(autouse=True)
def _elsewhere(elsewhere: None) -> None:
    """Every test here runs there."""


@pytest.fixture
def small() -> tuple[str, ...]:
    return SMALL


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results tree with the finished small run of tiny_gpt2, to read or to copy."""
    tree = tmp_path_factory.mktemp("finished")
    prepared.cache_clear()  # references that an earlier test has prepared with Java
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tree))  # no Java: it takes seconds to start
        assert main(["model=tiny_gpt2", *SMALL, f"results_dir={tree}"]) == 0
    return tree


@pytest.fixture
def run(finished: Path) -> Path:
    """The directory of a copy of the finished run, below results/ of the working directory."""
    shutil.copytree(finished, "results")
    (directory,) = Path("results", "runs").iterdir()
    return directory


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Start:
    """Start Python in a process of its own, in the working directory of the test; whoever starts it waits for it."""

    def run(*words: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [sys.executable, *words], env=environment(), text=True, stdin=pipe, stdout=pipe, stderr=pipe
        )

    return run
