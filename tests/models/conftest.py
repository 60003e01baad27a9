"""Model directories that a test may spoil."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import model_directories as cases

Copy = Callable[..., Path]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """A model directory of an architecture, written once."""
    directories: dict[tuple[str, str], Path] = {}

    def directory(architecture: str, shard: str) -> Path:
        if (architecture, shard) not in directories:
            directories[architecture, shard] = cases.save(tmp_path_factory.mktemp(architecture), architecture, shard)
        return directories[architecture, shard]

    return directory


@pytest.fixture
def copy(saved: Callable[[str, str], Path], tmp_path: Path) -> Copy:
    """A copy of a model directory that a test may spoil."""
    return lambda architecture, shard="5GB": Path(shutil.copytree(saved(architecture, shard), tmp_path / "my-model"))
