"""What a user sees of a sweep: its plan, a line for each run that ends, and at the end a table of how each ended."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from prefixrun.console import Column, Row, Section, Table, count, format_duration, print_table, print_text
from prefixrun.data.text_io import one_line
from prefixrun.errors import PrefixrunError
from prefixrun.sweeps.attempts import End, Outcome
from prefixrun.sweeps.estimate import total
from prefixrun.sweeps.plan import STATES, Job
from prefixrun.sweeps.scores import finished_record, heading, mean_rows, score_columns, score_texts

ENDS: Mapping[End, str] = {
    "before": "done before",
    "now": "done now",
    "failed": "failed",
    "diverged": "diverged",
    "impossible": "impossible",
    "held": "held by another process",
    "interrupted": "interrupted",
    "not started": "not started",
}
"""How a run ended → how it is shown."""


def format_states(jobs: Sequence[Job]) -> str:
    """How many runs a sweep has, and how many are in which state."""
    equal = sum(job.equal for job in jobs)
    of_points = f" for {len(jobs) + equal:,} points" if equal else ""
    states = Counter(_state_text(job) for job in sorted(jobs, key=lambda job: list(STATES).index(job.state)))
    in_states = ", ".join(f"{jobs_in_it} {state}" for state, jobs_in_it in states.items())
    return f"sweep: {count(len(jobs), 'run')}{of_points}: {in_states}"


def _state_text(job: Job) -> str:
    """The state of a job before a sweep works on it: how an earlier one left it is no outcome of this one."""
    again = {"interrupted": " before (resumed)", "failed": " before (tried again)"} if job.is_open else {}
    return STATES[job.state] + again.get(job.state, "")


def print_plan(jobs: Sequence[Job], seconds: Sequence[float | None]) -> None:
    """All runs with their states, the time that each will take and why some cannot be run; below, the time of all."""
    rows = []
    for job, time, reason in zip(jobs, seconds, _said_once([job.reason for job in jobs]), strict=True):
        text = format_duration(time) if time is not None else "unknown" if job.is_open else ""
        rows.append(Row((STATES[job.state], text, _label(job))))
        if reason:
            rows.append(Row(("", "", f"  {reason}")))
    print_text("")
    print_table(Table((Column("state"), Column("time", is_number=True), Column("run")), (Section(tuple(rows)),)))
    print_text(f"\n{format_time_left(jobs, seconds)}")


def _said_once(reasons: Sequence[str]) -> list[str]:
    """Each on one line, and of equal ones behind each other the last alone."""
    following = [*reasons[1:], ""]
    return ["" if reason == after else one_line(reason) for reason, after in zip(reasons, following, strict=True)]


def format_time_left(jobs: Sequence[Job], seconds: Sequence[float | None]) -> str:
    """How many runs are left, and how long they will take together."""
    left = [time for job, time in zip(jobs, seconds, strict=True) if job.is_open]
    if not left and jobs and all(job.state in ("impossible", "unavailable") for job in jobs):
        return "none of them can be run here" if len(jobs) > 1 else "it cannot be run here"
    if not left:
        return "nothing is left to do"
    known, unknown = total(left)
    runs = f"{count(len(left), 'run')} to do"
    if unknown == len(left):
        return f"{runs}, for an unknown time: no finished run is like {'them' if unknown > 1 else 'it'}"
    text = f"{runs}: about {format_duration(known)} one after the other"
    return text + (f", and {unknown} of unknown length: no finished run is like them" if unknown else "")


def format_progress(number: int, of: int, job: Job, outcome: Outcome) -> str:
    """The line that tells how a run ended: the `number`th of `of` runs."""
    time = f" in {format_duration(outcome.seconds)}" if outcome.seconds else ""
    detail = f": {one_line(outcome.reason)}" if outcome.reason else _first_score(job, outcome)
    return f"[{number}/{of}] {job.label}: {ENDS[outcome.end]}{time}{detail}"


def print_outcomes(jobs: Sequence[Job], outcomes: Sequence[Outcome]) -> None:
    """All runs with how they ended and their scores, means over seeds, and the counts; for failures the reason and
    the log."""
    if not jobs:
        print_text("nothing to run")
        return
    records = [
        finished_record(job) if outcome.end in ("before", "now") else None
        for job, outcome in zip(jobs, outcomes, strict=True)
    ]
    names = score_columns(records)
    with_reason = ("failed", "diverged", "impossible", "held")
    reasons = _said_once([outcome.reason if outcome.end in with_reason else "" for outcome in outcomes])
    rows = [
        row
        for job, outcome, reason, record in zip(jobs, outcomes, reasons, records, strict=True)
        for row in _outcome_rows(job, outcome, reason, score_texts(record, names))
    ]
    rows += [Row(("", *texts, label), is_strong=True) for label, texts in mean_rows(jobs, records, names)]
    print_text("")
    columns = (Column("state"), *(Column(heading(name), is_number=True) for name in names), Column("run"))
    print_table(Table(columns, (Section(tuple(rows)),)))
    ends = [outcome.end for outcome in outcomes]
    print_text("\n" + ", ".join(f"{ends.count(end)} {text}" for end, text in ENDS.items() if end in ends))
    if {"interrupted", "not started", "failed", "held"} & set(ends):
        print_text("the same command again does what is left")
    elif {"before", "now"} & set(ends):
        print_text(f"next: {_report_command(jobs)}    (all runs, their curves and outputs in one page)")


def _report_command(jobs: Sequence[Job]) -> str:
    """The report of the directory that the runs are in."""
    directory = next((job.point.config.results_dir for job in jobs if job.point.config), "results")
    return shlex.join(("prefixrun", "report", *([] if directory == "results" else [f"results_dir={directory}"])))


def _outcome_rows(job: Job, outcome: Outcome, reason: str, scores: Sequence[str]) -> Iterator[Row]:
    no_scores = ("",) * len(scores)
    yield Row((ENDS[outcome.end], *scores, _label(job)))
    if reason:
        yield Row(("", *no_scores, f"  {reason}"))
    if outcome.end == "failed" and job.run is not None and job.run.log.exists():
        yield Row(("", *no_scores, f"  log: {job.run.log}"))


def _label(job: Job) -> str:
    return job.label + (f"  (and {job.equal} equal)" if job.equal else "")


def _first_score(job: Job, outcome: Outcome) -> str:
    """The first score of a finished run."""
    if job.run is None or outcome.end not in ("now", "before"):
        return ""
    try:
        scores = job.run.result()["scores"]
    except PrefixrunError:
        return ""
    name, score = next(iter(scores.items()))
    return "" if score["value"] is None else f"  {name} {score['value']:.2f}"
