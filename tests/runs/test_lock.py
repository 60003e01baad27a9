"""One process per run: held, let go, taken over from the dead, never from the living."""

import errno
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from held_run import held_by_another
from prefixrun.errors import RunHeldError
from prefixrun.runs.lock import RunLock, holder

HERE = socket.gethostname()


def _left(directory: Path, content: object, *, silent_for: float = 0) -> None:
    """The files of an earlier holder; `content` as JSON, or as it is when it is bytes."""
    (directory / ".lock").touch()
    path = directory / "holder.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    touched = time.time() - silent_for
    os.utime(path, (touched, touched))


def _left_by(host: str, pid: object = 1) -> dict[str, object]:
    return {"host": host, "pid": pid, "started": "2026-01-01T00:00:00+00:00"}


def _can_be_held(directory: Path) -> bool:
    """Whether a run can be held; who lists it must see the same."""
    seen = holder(directory)
    try:
        with RunLock(directory) as lock:
            assert lock.held
            taken = holder(directory)
            assert taken is not None
            assert (taken.host, taken.pid) == (HERE, os.getpid())
    except RunHeldError:
        assert seen is not None
        return False
    assert seen is None
    assert holder(directory) is None
    return True


def test_the_file_names_the_holder_while_held_and_is_gone_afterwards(tmp_path: Path) -> None:
    lock = RunLock(tmp_path)
    with lock:
        content = json.loads((tmp_path / "holder.json").read_text())
        assert (content["host"], content["pid"]) == (HERE, os.getpid())
        assert content["started"].endswith("+00:00")
        assert lock.held
    assert not lock.held
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_the_lock_is_let_go_when_the_work_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), RunLock(tmp_path):
        raise ZeroDivisionError
    assert _can_be_held(tmp_path)


def test_a_run_of_another_process_is_refused_by_name(tmp_path: Path) -> None:
    with held_by_another(tmp_path) as process:
        refusal = rf"{tmp_path.name}: .* process {process.pid} on .* since 20.*resumed"
        with pytest.raises(RunHeldError, match=refusal), RunLock(tmp_path):
            pass
        seen = holder(tmp_path)
        assert seen is not None
        assert seen.pid == process.pid
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() == 0
    assert _can_be_held(tmp_path)


def test_the_run_of_a_killed_process_is_taken_over_at_once(tmp_path: Path) -> None:
    with held_by_another(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert json.loads((tmp_path / "holder.json").read_text())["pid"] == process.pid
    assert _can_be_held(tmp_path)


@pytest.mark.parametrize("is_named", [True, False])
def test_a_second_hold_in_the_same_process_is_refused(tmp_path: Path, is_named: bool) -> None:
    """Also when the holder has not written its name yet."""
    who = f"process {os.getpid()} on" if is_named else "another process;"
    with RunLock(tmp_path) as lock:
        if not is_named:
            (tmp_path / "holder.json").unlink()
        with pytest.raises(RunHeldError, match=who), RunLock(tmp_path):
            pass
        assert holder(tmp_path) is not None
        assert lock.held == is_named


@pytest.mark.parametrize(
    ("silent_for", "is_free"),
    [(60, False), (240, True), (-60, False), (-100_000, True)],
    ids=["beats", "silent", "clock behind", "in the future"],
)
def test_a_holder_on_another_host_counts_until_its_heartbeat_is_old(
    tmp_path: Path, silent_for: float, is_free: bool
) -> None:
    _left(tmp_path, _left_by("elsewhere"), silent_for=silent_for)
    if not is_free:
        with (
            pytest.raises(RunHeldError, match=r"process 1 on elsewhere since 2026.*given up after 180 s"),
            RunLock(tmp_path),
        ):
            pass
        assert json.loads((tmp_path / "holder.json").read_text())["host"] == "elsewhere"
    assert _can_be_held(tmp_path) == is_free


@pytest.mark.parametrize(
    "pid", [os.getpid(), os.getppid(), 1, 0, -1, 10**30], ids=["own", "parent", "1", "0", "-1", "huge"]
)
def test_a_process_id_decides_nothing(tmp_path: Path, pid: int) -> None:
    """It may be that of another process by now."""
    _left(tmp_path, _left_by(HERE, pid))
    assert _can_be_held(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"host": "elsew',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"host": "elsewhere", "pid": ' + b"9" * 5000 + b', "started": "x"}',
        [],
        None,
        {"host": "elsewhere"},
        _left_by("elsewhere", 1.5),
        _left_by("elsewhere", "1"),
        _left_by("elsewhere", True),
        _left_by("\ud800"),
        _left_by("a\x1b[31m"),
        {**_left_by("elsewhere"), "started": {"at": "noon"}},
        {**_left_by("elsewhere"), "host": ["elsewhere"]},
    ],
)
def test_a_damaged_holder_file_holds_nobody_off(tmp_path: Path, content: object) -> None:
    _left(tmp_path, content)
    assert _can_be_held(tmp_path)


def test_where_the_file_system_has_no_locks_the_heartbeat_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_given: Any, **_named: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(FileLock, "acquire", none)
    for host in (HERE, "elsewhere"):
        _left(tmp_path, _left_by(host), silent_for=60)
        assert not _can_be_held(tmp_path)
        _left(tmp_path, _left_by(host), silent_for=240)
        with RunLock(tmp_path) as lock:
            assert lock.held
            with pytest.raises(RunHeldError, match=f"process {os.getpid()}"), RunLock(tmp_path):
                pass


def test_a_run_in_a_directory_that_may_only_be_read_is_told_by_its_heartbeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_given: Any, **_named: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(FileLock, "acquire", refused)
    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    for silent_for, is_held in ((60, True), (240, False)):
        _left(tmp_path, _left_by(HERE), silent_for=silent_for)
        assert (holder(tmp_path) is not None) == is_held


def test_the_heartbeat_touches_the_file(tmp_path: Path) -> None:
    path = tmp_path / "holder.json"
    with RunLock(tmp_path, heartbeat_seconds=0.005):
        os.utime(path, (0, 0))
        deadline = time.monotonic() + 30
        while path.stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.005)
        assert path.stat().st_mtime > 0
        path.unlink()
        time.sleep(0.05)  # beats without a file
    assert not any(thread.name == "run-lock-heartbeat" for thread in threading.enumerate())


def test_a_run_taken_by_another_is_noticed_and_left_alone(tmp_path: Path) -> None:
    with RunLock(tmp_path) as lock:
        _left(tmp_path, _left_by("elsewhere"))
        assert not lock.held
    assert json.loads((tmp_path / "holder.json").read_text())["host"] == "elsewhere"


def test_who_asks_for_the_holder_turns_nobody_away(tmp_path: Path) -> None:
    """The question takes the lock for a moment."""
    (tmp_path / ".lock").touch()
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            holder(tmp_path)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(20):
            with RunLock(tmp_path) as lock:
                assert lock.held
    finally:
        ended.set()
        asking.join()


def test_of_many_at_once_one_at_a_time_gets_it(tmp_path: Path) -> None:
    """Each of eight threads holds the run once; two holders at a time would be seen."""
    inside: list[int] = []
    seen: list[int] = []

    def work() -> None:
        for _ in range(1000):
            try:
                with RunLock(tmp_path):
                    inside.append(1)
                    seen.append(len(inside))
                    time.sleep(0.001)
                    inside.pop()
                return
            except RunHeldError:
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 8
