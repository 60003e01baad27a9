"""One process per run: held, let go, taken over from the dead, never from the living."""

import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from prefixrun.errors import RunHeldError
from prefixrun.runs import lock as locks
from prefixrun.runs.lock import RunLock

HOLDS = """
import sys
from pathlib import Path
from prefixrun.runs.lock import RunLock
with RunLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def _another_process(path: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """Another process that holds the lock until its standard input is closed or it is killed."""
    environment = {**os.environ, "PYTHONPATH": str(Path(locks.__file__).resolve().parents[1])}
    command = [sys.executable, "-c", HOLDS, str(path)]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process


def test_the_file_names_the_holder_while_held_and_is_gone_afterwards(tmp_path: Path) -> None:
    lock = RunLock(tmp_path / "lock")
    with lock:
        content = json.loads((tmp_path / "lock").read_text())
        assert content["pid"] == os.getpid()
        assert content["host"] == socket.gethostname()
        assert content["started"].endswith("+00:00")
        assert lock.held
    assert not lock.held
    assert list(tmp_path.iterdir()) == []


def test_the_lock_is_let_go_when_the_work_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), RunLock(tmp_path / "lock"):
        raise ZeroDivisionError
    with RunLock(tmp_path / "lock") as lock:
        assert lock.held


def test_a_lock_of_another_process_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "run" / "lock"
    path.parent.mkdir()
    with _another_process(path) as process:
        with (
            pytest.raises(RunHeldError, match=rf"run: .* process {process.pid} on .* since 20.*resumed"),
            RunLock(path),
        ):
            pass
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() == 0
    with RunLock(path) as lock:
        assert lock.held


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with _another_process(path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert json.loads(path.read_text())["pid"] == process.pid
    with RunLock(path):
        assert json.loads(path.read_text())["pid"] == os.getpid()


def test_a_second_hold_in_the_same_process_is_refused(tmp_path: Path) -> None:
    with RunLock(tmp_path / "lock") as lock:
        with pytest.raises(RunHeldError, match=f"process {os.getpid()} on"), RunLock(tmp_path / "lock"):
            pass
        assert lock.held


def _left_by(path: Path, host: str, pid: int, *, silent_for: float) -> None:
    path.write_text(json.dumps({"host": host, "pid": pid, "started": "2026-01-01T00:00:00+00:00"}) + "\n")
    touched = time.time() - silent_for
    os.utime(path, (touched, touched))


def test_a_holder_on_another_host_counts_until_its_heartbeat_is_old(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    _left_by(path, "elsewhere", 1, silent_for=60)
    with pytest.raises(RunHeldError, match=r"process 1 on elsewhere since 2026.*given up after 180 s"), RunLock(path):
        pass
    assert json.loads(path.read_text())["host"] == "elsewhere"

    _left_by(path, "elsewhere", 1, silent_for=240)
    with RunLock(path) as lock:
        assert lock.held


@pytest.mark.parametrize("content", ["", '{"host": "elsew', '{"host": "elsewhere"}', "[]"])
def test_a_file_whose_writer_was_killed_before_it_gave_its_name_is_taken_over(content: str, tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(content)
    with RunLock(tmp_path / "lock") as lock:
        assert lock.held


def test_where_the_file_system_has_no_locks_the_process_id_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    path = tmp_path / "lock"
    _left_by(path, socket.gethostname(), os.getpid(), silent_for=1000)
    with pytest.raises(RunHeldError, match=f"process {os.getpid()}"), RunLock(path):
        pass

    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    _left_by(path, socket.gethostname(), ended.pid, silent_for=0)
    with RunLock(path) as lock:
        assert lock.held


def test_the_heartbeat_touches_the_file(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with RunLock(path, heartbeat_seconds=0.005):
        os.utime(path, (0, 0))
        deadline = time.monotonic() + 30
        while path.stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.005)
        assert path.stat().st_mtime > 0
    assert not any(thread.name == "run-lock-heartbeat" for thread in threading.enumerate())


def test_a_lock_file_taken_away_is_noticed_and_the_new_one_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with RunLock(path) as lock:
        path.unlink()
        assert not lock.held
        path.write_text("somebody else's")
        assert not lock.held
    assert path.read_text() == "somebody else's"


def test_a_file_deleted_by_its_holder_just_before_it_was_locked_is_not_mistaken_for_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lock"
    real, calls = fcntl.flock, []

    def flock(descriptor: int, operation: int) -> None:
        if not calls:
            path.unlink()
        calls.append(descriptor)
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with RunLock(path) as lock:
        assert lock.held
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert len(calls) == 2


def test_of_many_at_once_one_at_a_time_gets_it(tmp_path: Path) -> None:
    """Each of eight threads holds the lock once; two holders at a time would be seen."""
    inside: list[int] = []
    seen: list[int] = []

    def work() -> None:
        for _ in range(100_000):
            try:
                with RunLock(tmp_path / "lock"):
                    inside.append(1)
                    seen.append(len(inside))
                    time.sleep(0.001)
                    inside.pop()
                return
            except RunHeldError:
                time.sleep(0.0002)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 8
