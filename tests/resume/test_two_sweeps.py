"""Two sweeps at once on one results tree."""

from collections.abc import Callable, Sequence
from pathlib import Path

from fork_server import ForkServer


def test_two_sweeps_share_the_runs(
    server: ForkServer, sweep: Sequence[str], check: Callable[[Path], None], tmp_path: Path
) -> None:
    """Both end; one may say that a run is still the other's, and then the same command finds it done."""
    command = [*sweep, f"results_dir={tmp_path}"]
    codes = server.together(command, 2)
    assert 0 in codes
    assert set(codes) <= {0, 75}
    assert server.run(command) == 0
    check(tmp_path)
    for log in tmp_path.glob("runs/*/run.log"):
        for stage in ("training 4/4", "decoding 6/6"):
            assert log.read_text().count(stage) == 1, "one process did the run, once"
