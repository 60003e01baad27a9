"""What all cases share: the run that is disturbed, and a user whom permissions bind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scene import permissions_bind, stopped_runs


@pytest.fixture(scope="session")
def moments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """As scene.stopped_runs."""
    return stopped_runs(tmp_path_factory.mktemp("moments"))


@pytest.fixture
def _user() -> Iterator[None]:
    """A user whom permissions bind."""
    with permissions_bind():
        yield
