"""What is printed of a sweep: counts of states, the time that is left, a line for each run, the table of ends."""

from dataclasses import replace

import pytest

from prefixrun.config.compose import SweepPoint
from prefixrun.sweeps.attempts import Outcome
from prefixrun.sweeps.plan import Job
from prefixrun.sweeps.summary import format_progress, format_states, format_time_left, print_outcomes, print_plan

DONE = Job(SweepPoint((), None), "seed=1", "finished")
IMPOSSIBLE = replace(DONE, label="prefix_len=0", state="impossible", reason="must be\n at least 1")
OPEN = replace(DONE, label="seed=2", state="new", run=object())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("jobs", "text"),
    [
        ([DONE], "sweep: 1 run: 1 done"),
        ([DONE, OPEN, IMPOSSIBLE], "sweep: 3 runs: 1 done, 1 to do, 1 impossible"),
        ([replace(OPEN, equal=2)], "sweep: 1 run for 3 points: 1 to do"),
        (
            [replace(OPEN, state="failed"), OPEN, replace(OPEN, state="interrupted"), replace(OPEN, state="failed")],
            "sweep: 4 runs: 1 to do, 1 interrupted before (resumed), 2 failed before (tried again)",
        ),
        ([replace(DONE, state="unavailable")], "sweep: 1 run: 1 not available here"),
    ],
)
def test_states_are_counted(jobs: list[Job], text: str) -> None:
    assert format_states(jobs) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ([], "nothing is left to do"),
        ([None], "1 run to do, for an unknown time: no finished run is like it"),
        ([None, None], "2 runs to do, for an unknown time: no finished run is like them"),
        ([30.0, 45.0], "2 runs to do: about 1 min 15 s one after the other"),
        ([30.0, None], "2 runs to do: about 30.0 s one after the other, and 1 of unknown length"),
    ],
)
def test_the_time_that_is_left(seconds: list[float | None], text: str) -> None:
    assert format_time_left([OPEN] * len(seconds), seconds).startswith(text)


def test_a_reason_that_runs_one_after_the_other_share_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan([IMPOSSIBLE, IMPOSSIBLE], [None, None])
    said = capsys.readouterr().out
    assert said.count("must be at least 1") == 1
    assert said.endswith("none of them can be run here\n")
    print_plan([IMPOSSIBLE, replace(IMPOSSIBLE, state="unavailable")], [None, None])
    assert capsys.readouterr().out.endswith("none of them can be run here\n")
    print_plan([IMPOSSIBLE, DONE], [None, None])
    said = capsys.readouterr().out
    assert said.count("must be at least 1") == 1
    assert said.endswith("nothing is left to do\n")


def test_a_line_for_a_run_that_ended() -> None:
    assert format_progress(2, 3, IMPOSSIBLE, Outcome("failed", "no\nnumber", 1, 61.0)) == (
        "[2/3] prefix_len=0: failed in 1 min 1 s: no number"
    )


def test_the_table_of_ends_counts_them_and_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    print_outcomes([DONE, IMPOSSIBLE, OPEN], [Outcome("before"), Outcome("impossible", "x"), Outcome("interrupted")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == ["1 done before, 1 impossible, 1 interrupted", "the same command again does what is left"]
    print_outcomes([DONE], [Outcome("before")])
    assert capsys.readouterr().out.splitlines()[-1].startswith("next: prefixrun report    (")
    print_outcomes([], [])
    assert capsys.readouterr().out == "nothing to run\n"
