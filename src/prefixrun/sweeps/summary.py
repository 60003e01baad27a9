"""What a user sees of a sweep: its plan, a heading, one line a run, and at the end one table of how each ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prefixrun.console import duration
from prefixrun.errors import PrefixrunError
from prefixrun.runs.run import Run
from prefixrun.sweeps.estimate import total
from prefixrun.sweeps.plan import STATES, Job, counted

ENDS = {
    "before": "done before",
    "now": "done now",
    "failed": "failed",
    "impossible": "impossible",
    "held": "held by another process",
    "interrupted": "interrupted",
    "not started": "not started",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One run in the table."""

    label: str
    end: str
    reason: str
    seconds: float
    run: Run | None
    log: Path | None
    equal: int


def heading(found: Sequence[Job]) -> str:
    """How many runs there are and where they stand."""
    equal = sum(job.equal for job in found)
    several = f" for {len(found) + equal} points" if equal else ""
    states = ", ".join(f"{count} {STATES[state]}" for state, count in counted(found).items())
    return f"sweep: {len(found)} run{'s' * (len(found) != 1)}{several}: {states}"


def plan_table(found: Sequence[Job], seconds: Sequence[float | None]) -> str:
    """All runs with their states, the time that each will take, and why some cannot be run."""
    width = max((len(STATES[job.state]) for job in found), default=5)
    rows = ["", f"{'state':<{width}}  {'time':>10}  run"]
    for job, time in zip(found, seconds, strict=True):
        took = duration(time) if time is not None else "unknown" if job.is_open else ""
        equal = f"  (and {job.equal} equal)" if job.equal else ""
        rows.append(f"{STATES[job.state]:<{width}}  {took:>10}  {job.label}{equal}")
        if job.reason:
            rows.append(f"{'':<{width}}  {'':>10}    {_first_line(job.reason)}")
    return "\n".join(rows)


def plan_sum(found: Sequence[Job], seconds: Sequence[float | None]) -> str:
    """How many runs are left and how long they will take together."""
    left = [time for job, time in zip(found, seconds, strict=True) if job.is_open]
    if not left:
        return "nothing is left to do"
    known, unknown = total(left)
    runs = f"{len(left)} run{'s' * (len(left) != 1)} to do"
    if unknown == len(left):
        return f"{runs}, for an unknown time: no finished run is like {'them' if unknown > 1 else 'it'}"
    text = f"{runs}: about {duration(known)} one after the other"
    return text + (f", and {unknown} of unknown length: no finished run is like them" if unknown else "")


def progress_line(number: int, total: int, line: Line) -> str:
    """The one line that tells how a run ended."""
    took = f" in {duration(line.seconds)}" if line.seconds else ""
    reason = f": {_first_line(line.reason)}" if line.reason else _score(line)
    return f"[{number}/{total}] {line.label}: {ENDS[line.end]}{took}{reason}"


def table(lines: Sequence[Line]) -> str:
    """All runs with how they ended, and the counts; for failures the reason and the log."""
    if not lines:
        return "nothing to run"
    width = max(len(ENDS[line.end]) for line in lines)
    rows = ["", f"{'state':<{width}}  run"]
    for line in lines:
        equal = f"  (and {line.equal} equal)" if line.equal else ""
        rows.append(f"{ENDS[line.end]:<{width}}  {line.label}{equal}")
        if line.end in ("failed", "impossible", "held"):
            rows.append(f"{'':<{width}}    {_first_line(line.reason)}")
        if line.log is not None:
            rows.append(f"{'':<{width}}    log: {line.log}")
    ends = [line.end for line in lines]
    rows += ["", ", ".join(f"{ends.count(end)} {text}" for end, text in ENDS.items() if end in ends)]
    if {"interrupted", "not started", "failed", "held"} & set(ends):
        rows.append("the same command again does what is left")
    return "\n".join(rows)


def _score(line: Line) -> str:
    """The first score of a finished run."""
    if line.run is None or line.end not in ("now", "before"):
        return ""
    try:
        scores = line.run.result()["scores"]
    except PrefixrunError:
        return ""
    name, score = next(iter(scores.items()))
    return "" if score["value"] is None else f"  {name} {score['value']:.2f}"


def _first_line(text: str) -> str:
    return " ".join(text.split())
