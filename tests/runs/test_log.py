"""Progress as lines or as a bar, and the log file in either case."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from prefixrun.errors import DiskFullError
from prefixrun.runs.log import LOG, PLAIN_LINES, logging_to, stage


@pytest.fixture(params=[False, True], ids=["pipe", "terminal"])
def console(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    shown = Console(file=io.StringIO(), force_terminal=request.param, width=100, highlight=False)
    monkeypatch.setattr("prefixrun.runs.log.terminal", lambda: shown)
    return shown


def screen(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def lines(path: Path) -> list[str]:
    """The lines of a log without their date and time."""
    return [line.split(" ", 2)[2] for line in path.read_text().splitlines()]


def test_a_stage_logs_about_every_tenth_of_its_way(console: Console, tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    with logging_to(path), stage("training") as shown:
        for step in range(1, 101):
            shown.update(step, 100, f"loss {step}")
    logged = lines(path)
    assert logged[0] == "training 1/100  loss 1"
    assert logged[1] == "training 11/100  loss 11"
    assert logged[-1] == "training 100/100  loss 100"
    assert len(logged) == PLAIN_LINES + 1
    if console.is_terminal:
        assert "training 11/100  loss 11" not in screen(console)
        assert "━" in screen(console)
    else:
        assert screen(console).splitlines() == logged


def test_a_long_stage_says_from_its_second_step_on_how_long_it_takes_and_logs_every_minute(
    console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 10_000, 25))  # 25 s a step
    monkeypatch.setattr("prefixrun.runs.log.monotonic", lambda: next(clock))
    with logging_to(tmp_path / "run.log"), stage("training") as shown:
        for step in range(1, 9):
            shown.update(step, 1000, "loss 2")
    assert lines(tmp_path / "run.log") == [
        "training 1/1000  loss 2",
        "training 2/1000  loss 2  about 6.9 h left",
        "training 5/1000  loss 2  about 6.9 h left",
        "training 8/1000  loss 2  about 6.9 h left",
    ]


def test_a_short_stage_logs_every_step(console: Console, tmp_path: Path) -> None:
    with logging_to(tmp_path / "run.log"), stage("decoding") as shown:
        for step in (1, 2, 3):
            shown.update(step, 3, "")
    assert len(lines(tmp_path / "run.log")) == 3


def test_other_lines_are_shown_everywhere(console: Console, tmp_path: Path) -> None:
    with logging_to(tmp_path / "run.log"):
        LOG.info("[epoch] %d: %s", 1, "dev loss 2.0")
    assert lines(tmp_path / "run.log") == ["[epoch] 1: dev loss 2.0"]
    assert screen(console) == "[epoch] 1: dev loss 2.0\n"


def test_a_resumed_run_goes_on_in_its_log_and_nothing_stays_attached(console: Console, tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    for word in ("first", "second"):
        with pytest.raises(KeyError), logging_to(path):  # noqa: PT012
            LOG.info(word)
            raise KeyError
    LOG.info("outside of a run")
    assert lines(path) == ["first", "second"]
    assert screen(console) == "first\nsecond\n"


def test_a_log_is_gone_on_with(console: Console, tmp_path: Path) -> None:
    for line in ("one", "half a pair: \ud800"):
        with logging_to(tmp_path / "run.log"):
            LOG.info(line)
    assert lines(tmp_path / "run.log") == ["one", "half a pair: \\ud800"]


def test_a_line_for_which_the_disk_has_no_room_is_an_error(console: Console) -> None:
    before = list(LOG.handlers)
    with pytest.raises(DiskFullError, match="/dev/full: the disk is full"), logging_to(Path("/dev/full")):
        LOG.info("a line")
    assert LOG.handlers == before
