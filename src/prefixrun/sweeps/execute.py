"""A sweep: every run of a grid from wherever it is to its result, and one table of how each ended.

Finished runs and those whose record is here are skipped, interrupted ones resumed, failed ones tried again; what cannot
be run is listed with the reason. One failed run does not stop the others, a full disk or a signal does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from prefixrun import files
from prefixrun.console import print_text
from prefixrun.errors import ConfigError, DiskFullError, Interrupted, PrefixrunError, RunHeldError
from prefixrun.sweeps.attempts import Outcome, attempt
from prefixrun.sweeps.plan import Job, refresh
from prefixrun.sweeps.summary import format_progress, format_states, print_outcomes

Launch = Callable[[Sequence[Job], Callable[[int, Outcome], None]], None]
"""Works on jobs and tells how each ended, when it does; raises KeyboardInterrupt or SystemExit at a signal, and
PrefixrunError when the launcher itself gives up."""


def sweep(jobs: Sequence[Job], launch: Launch | None = None) -> int:
    """Work on all jobs and print what becomes of them. Returns the exit code, which is 0 only if nothing failed."""
    for directory in {Path(job.config.results_dir).expanduser() for job in jobs if job.is_open}:
        files.make_directory(directory)
    print_text(format_states(jobs))
    outcomes = [_known(job) for job in jobs]
    waiting = [index for index, job in enumerate(jobs) if job.is_open]
    told = iter(range(1, len(waiting) + 1))

    def tell(place: int, outcome: Outcome) -> None:
        index = waiting[place]
        if outcomes[index].end == "not started":
            print_text(format_progress(next(told), len(waiting), jobs[index], outcome))
        outcomes[index] = outcome

    stopped = 0
    try:
        if waiting:
            (launch or one_after_another)([jobs[index] for index in waiting], tell)
    except KeyboardInterrupt:
        stopped = Interrupted.exit_code
    except SystemExit as end:
        stopped = end.code if isinstance(end.code, int) else 1
    except PrefixrunError as error:
        print_text(str(error))
        stopped = error.exit_code
    outcomes = [_settled(job, outcome) for job, outcome in zip(jobs, outcomes, strict=True)]
    print_outcomes(jobs, outcomes)
    return stopped or exit_code(outcomes)


def one_after_another(todo: Sequence[Job], tell: Callable[[int, Outcome], None]) -> None:
    """Launch in this process. A run that another process holds is looked at again at the end."""
    held: list[tuple[int, Outcome]] = []
    for index, job in enumerate(todo):
        start = time.monotonic()
        try:
            outcome = attempt(job.config)
        except (KeyboardInterrupt, SystemExit) as stop:
            code = stop.code if isinstance(stop, SystemExit) else Interrupted.exit_code
            tell(index, Outcome("interrupted", exit_code=int(code or 0), seconds=time.monotonic() - start))
            raise
        except DiskFullError as error:
            tell(index, Outcome("failed", str(error), error.exit_code, time.monotonic() - start))
            return
        if outcome.end == "held":
            held.append((index, outcome))
        else:
            tell(index, outcome)
    for place, outcome in held:
        tell(place, Outcome("before") if refresh(todo[place]).state == "finished" else outcome)


def _known(job: Job) -> Outcome:
    """What is known of a job before anything is run."""
    if job.state in ("finished", "kept"):
        return Outcome("before")
    if job.state == "impossible":
        return Outcome("impossible", job.reason, job.exit_code or ConfigError.exit_code)
    if job.run is None:
        return Outcome("failed", job.reason, job.exit_code)
    return Outcome("not started")


def _settled(job: Job, outcome: Outcome) -> Outcome:
    """The outcome that the files tell where the launcher did not."""
    if outcome.end != "not started" or job.run is None:
        return outcome
    now = refresh(job)
    if now.state == "finished":
        return Outcome("now")
    if now.state == "failed":
        return Outcome("failed", now.reason, now.exit_code or 1)
    if now.state == "held":
        return Outcome("held", now.reason, RunHeldError.exit_code)
    return Outcome("interrupted") if now.state == "interrupted" else outcome


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 when all runs that are possible are done; the first failure's code, the code of a held run, or 2 when no
    point at all was possible."""
    failures = [outcome.exit_code or 1 for outcome in outcomes if outcome.end == "failed"]
    if failures:
        return failures[0]
    ends = {outcome.end for outcome in outcomes}
    if "held" in ends:
        return RunHeldError.exit_code
    if {"interrupted", "not started"} & ends:
        return Interrupted.exit_code
    return ConfigError.exit_code if ends == {"impossible"} else 0
