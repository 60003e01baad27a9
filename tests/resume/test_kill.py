"""A sweep that is killed again and again, at any moment, ends as if nothing had happened."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fork_server import ForkServer
from prefixrun.files import read_json, read_json_lines
from prefixrun.results.records import load_records

KILLS = 20
SIGKILL = -9


def moments(random: np.random.Generator) -> Iterator[dict[str, Any]]:
    """In turn: during a write, with none, half or all of it on the disk; and at any time."""
    while True:
        yield {"at_write": int(random.integers(1, 13)), "torn": int(random.choice((0, 5, 10)))}
        yield {"after": random.uniform(0.0, 0.25)}


def made_once(trees: Path) -> dict[Path, tuple[int, int]]:
    """Results and trained files as they lie on the disk: a second making would be another file."""
    found = [path for name in ("result.json", "prefix.safetensors") for path in trees.glob(f"*/runs/*/{name}")]
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def check_that_nothing_is_damaged(results: Path) -> None:
    for path in results.glob("runs/*/*.json"):
        read_json(path)
    for path in results.glob("runs/*/generations.jsonl"):
        read_json_lines(path)
    states = {each.reason for each in load_records(results).skipped}
    assert states <= {"the run is not finished", "has no result.json: not the directory of a run"}


def test_a_sweep_killed_twenty_times(
    server: ForkServer, sweep: Sequence[str], check: Callable[[Path], None], tmp_path: Path
) -> None:
    """A sweep that gets to its end between two kills is followed by one in another tree."""
    kills, trees = 0, 0
    made: dict[Path, tuple[int, int]] = {}
    when = moments(np.random.default_rng(0))
    while True:
        results = tmp_path / str(trees)
        moment = next(when) if kills < KILLS else {}
        code = server.run([*sweep, f"results_dir={results}"], **moment)
        assert code in ((SIGKILL, 0) if moment else (0,))
        now = made_once(tmp_path)
        assert made.items() <= now.items(), "something that was finished was made again"
        made = now
        if code == 0:
            check(results)
            trees += 1
            if not moment:
                break
        else:
            kills += 1
            check_that_nothing_is_damaged(results)
    assert kills == KILLS
    assert len(made) == 8 * trees
