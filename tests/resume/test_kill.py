"""A sweep that is killed again and again, at any moment, ends as if nothing had happened."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fork_server import ForkServer
from prefixrun.files import read_json, read_json_lines
from prefixrun.results.records import load_records

SIGKILL = -9
WRITES = 15
"""A child is killed before it has made this many."""


def at_writes(random: np.random.Generator) -> Iterator[dict[str, Any]]:
    """During a write, with none, half or all of it on the disk: the same moments however busy the machine is."""
    while True:
        yield {"at_write": int(random.integers(1, WRITES)), "torn": int(random.choice((0, 5, 10)))}


def at_any_time(random: np.random.Generator) -> Iterator[dict[str, Any]]:
    """In turn: during a write, and some time after the work has begun."""
    for moment in at_writes(random):
        yield moment
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
    assert states <= {"the run is not finished", "has neither result.json nor config.json: not the directory of a run"}


Moments = Callable[[np.random.Generator], Iterator[dict[str, Any]]]


@pytest.mark.parametrize(
    ("moments", "times"), [(at_writes, 20), pytest.param(at_any_time, 100, marks=pytest.mark.slow)]
)
def test_a_sweep_that_is_killed_again_and_again(
    server: ForkServer,
    sweep: Sequence[str],
    check: Callable[[Path], None],
    tmp_path: Path,
    moments: Moments,
    times: int,
) -> None:
    """A sweep that gets to its end between two kills is followed by one in another tree."""
    kills, trees = 0, 0
    made: dict[Path, tuple[int, int]] = {}
    when = moments(np.random.default_rng(0))
    while True:
        results = tmp_path / str(trees)
        moment = next(when) if kills < times else {}
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
    assert kills == times
    assert len(made) == 8 * trees


def test_a_run_killed_while_it_trains_and_while_it_decodes(
    server: ForkServer, sweep: Sequence[str], tmp_path: Path
) -> None:
    """Of another model than the sweep's, and by the command of one run."""
    settings = [word for word in sweep if word.partition("=")[0] not in ("-m", "model", "method", "seed")]
    command = [*settings, "model=tiny_llama"]
    assert server.run([*command, f"results_dir={tmp_path / 'whole'}"]) == 0
    (whole,) = tmp_path.glob("whole/runs/*")
    for unfinished, write in (("prefix.safetensors", 7), ("result.json", 12)):
        assert server.run([*command, f"results_dir={tmp_path / 'killed'}"], at_write=write, torn=5) == SIGKILL
        (run,) = tmp_path.glob("killed/runs/*")
        assert not (run / unfinished).exists()
    assert (run / "prefix.safetensors").exists(), "the second kill came while it decoded"
    assert (run / "holder.json").exists(), "what a killed holder leaves does not block the next"
    assert server.run([*command, f"results_dir={tmp_path / 'killed'}"]) == 0
    assert not (run / "holder.json").exists()
    assert "going on after step" in (run / "run.log").read_text()
    for name in ("prefix.safetensors", "generations.jsonl", "stats.parquet"):
        assert (run / name).read_bytes() == (whole / name).read_bytes(), name
    assert read_json(run / "result.json")["scores"] == read_json(whole / "result.json")["scores"]
