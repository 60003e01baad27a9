"""A small sweep, what it leaves when nothing disturbs it, and processes to disturb it in."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fork_server import ForkServer
from small_run import SMALLEST

SWEEP = (
    *("-m", *SMALLEST, "method=prefix,prefix_flat", "method.mid_dim=16", "seed=1,2", "train.max_steps=4"),
    *("train.checkpoint_every=1", "train.eval_examples=4", "test_size=6", "decode.batch_size=1"),
)
"""Four runs that train and decode, in a second."""

FILES = ("config.json", "generations.jsonl", "prefix.safetensors", "stats.parquet", "subset.json")
COSTS = ("train_tokens", "train_positions", "train_steps")
"""Costs that are not times or sizes of a process."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    with ForkServer(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture
def sweep() -> tuple[str, ...]:
    return SWEEP


@pytest.fixture(scope="session")
def uninterrupted(server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    results = tmp_path_factory.mktemp("whole")
    assert server.run([*SWEEP, f"results_dir={results}"]) == 0
    return _outcome(results)


@pytest.fixture
def check(uninterrupted: dict[str, dict[str, Any]]) -> Callable[[Path], None]:
    """Assert that a results tree is that of a sweep that nothing disturbed."""

    def equal(results: Path) -> None:
        ended = _outcome(results)
        assert ended.keys() == uninterrupted.keys()
        for run, expected in uninterrupted.items():
            for what, value in expected.items():
                assert ended[run][what] == value, f"{run}: {what}"

    return equal


def _outcome(results: Path) -> dict[str, dict[str, Any]]:
    """Directory of each run → everything that may not depend on how often it was stopped."""
    found: dict[str, dict[str, Any]] = {}
    for run in sorted((results / "runs").iterdir()):
        result = json.loads((run / "result.json").read_text())
        found[run.name] = {
            # A kill between the result and the release of the lock leaves the holder's file, which holds nobody off.
            "names": sorted({path.relative_to(run).as_posix() for path in run.rglob("*")} - {"holder.json"}),
            **{name: (run / name).read_bytes() for name in FILES},
            "result": {key: value for key, value in result.items() if key not in ("costs", "provenance")},
            "costs": {key: result["costs"][key] for key in COSTS},
        }
    return found
