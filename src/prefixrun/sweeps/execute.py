"""A sweep: every run of a grid from wherever it is to its result, and one table of how each ended.

Finished runs and those whose record is here are skipped, interrupted ones resumed, failed ones tried again; what cannot
be run is listed with the reason. One failed run does not stop the others, a full disk or a signal does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from prefixrun import files
from prefixrun.console import count, print_text
from prefixrun.errors import ConfigError, DiskFullError, DivergedError, Interrupted, PrefixrunError, RunHeldError
from prefixrun.sweeps.attempts import Outcome, attempt
from prefixrun.sweeps.plan import Job, refresh
from prefixrun.sweeps.summary import format_progress, format_states, print_outcomes

Report = Callable[[int, Outcome], None]
"""Takes the index of a job that has ended, and its outcome; may be called again for the same job."""

Launch = Callable[[Sequence[Job], Report], None]
"""Works on jobs and reports each when it ends. Raises KeyboardInterrupt or SystemExit at a signal, and PrefixrunError
when the launcher itself gives up."""


Replan = Callable[[Sequence[Job]], Sequence[Job]]
"""Plans points anew that were impossible; points that come to the same run are one job."""


def sweep(jobs: Sequence[Job], launch: Launch | None = None, replan: Replan | None = None) -> int:
    """Work on all jobs, print each outcome and a table of all. Returns the exit code, 0 only when no run failed.

    replan: a point may name another run of the sweep, which has no id before it is finished (method.runs=e2e). So what
    was impossible is planned again as long as that makes more of it possible.
    """
    jobs = list(jobs)
    for directory in {Path(job.config.results_dir).expanduser() for job in jobs if job.is_open}:
        files.make_directory(directory)
    for job in jobs:
        if job.run is not None and job.state == "finished":
            job.run.remove_trained()
    print_text(format_states(jobs))
    outcomes = [_outcome_before(job) for job in jobs]
    stopped = 0
    try:
        _work_off(jobs, outcomes, launch or one_after_another, replan)
    except KeyboardInterrupt:
        stopped = Interrupted.exit_code
    except SystemExit as end:
        stopped = end.code if isinstance(end.code, int) else 1
    except PrefixrunError as error:
        print_text(str(error))
        stopped = error.exit_code
    outcomes = [_final_outcome(job, outcome) for job, outcome in zip(jobs, outcomes, strict=True)]
    print_outcomes(jobs, outcomes)
    return stopped or exit_code(outcomes)


def _work_off(jobs: list[Job], outcomes: list[Outcome], launch: Launch, replan: Replan | None) -> None:
    """Work on what is not started, then on what that has made possible; both lists change in place. Raises as Launch
    and Replan."""
    while any(outcome.end == "not started" for outcome in outcomes):
        _work_on(jobs, outcomes, launch)
        impossible = [job for job in jobs if job.state == "impossible"]
        if replan is None or not impossible or any(outcome.end == "not started" for outcome in outcomes):
            return
        planned = {job.point.overrides: job for job in replan(impossible)}
        pairs = []
        for job, outcome in zip(jobs, outcomes, strict=True):
            if job.state != "impossible":
                pairs.append((job, outcome))
            elif again := planned.get(job.point.overrides):  # else it has come to the run of another one
                pairs.append((again, _outcome_before(again)))
        jobs[:], outcomes[:] = [job for job, _ in pairs], [outcome for _, outcome in pairs]
        if possible := sum(outcome.end == "not started" for outcome in outcomes):
            print_text(f"{count(possible, 'more run')} can be done now")


def _work_on(jobs: Sequence[Job], outcomes: list[Outcome], launch: Launch) -> None:
    """Launch the jobs that are not started, print a line for each that ends, and set their outcomes."""
    open_jobs = [index for index, outcome in enumerate(outcomes) if outcome.end == "not started"]
    numbers = iter(range(1, len(open_jobs) + 1))

    def report(open_index: int, outcome: Outcome) -> None:
        index = open_jobs[open_index]
        if outcomes[index].end == "not started":
            print_text(format_progress(next(numbers), len(open_jobs), jobs[index], outcome))
        outcomes[index] = outcome

    launch([jobs[index] for index in open_jobs], report)
    for index in open_jobs:
        outcomes[index] = _final_outcome(jobs[index], outcomes[index])


def one_after_another(jobs: Sequence[Job], report: Report) -> None:
    """Launch in this process. A run that another process holds is looked up again at the end."""
    held: list[tuple[int, Outcome]] = []
    for index, job in enumerate(jobs):
        start = time.monotonic()
        try:
            outcome = attempt(job.config)
        except (KeyboardInterrupt, SystemExit, Interrupted) as stop:
            code = stop.code if isinstance(stop, SystemExit) else Interrupted.exit_code
            report(index, Outcome("interrupted", exit_code=int(code or 0), seconds=time.monotonic() - start))
            raise
        except DiskFullError as error:
            report(index, Outcome("failed", str(error), error.exit_code, time.monotonic() - start))
            return
        if outcome.end == "held":
            held.append((index, outcome))
        else:
            report(index, outcome)
    for index, outcome in held:
        report(index, Outcome("before") if refresh(jobs[index]).state == "finished" else outcome)


def _outcome_before(job: Job) -> Outcome:
    """The outcome of a job that nothing is to be done for; "not started" for the others."""
    if job.state in ("finished", "kept"):
        return Outcome("before")
    if job.state == "diverged":
        return Outcome("diverged", job.reason, DivergedError.exit_code)
    if job.state == "impossible":
        return Outcome("impossible", job.reason, job.exit_code or ConfigError.exit_code)
    if job.run is None:
        return Outcome("failed", job.reason, job.exit_code)
    return Outcome("not started")


def _final_outcome(job: Job, outcome: Outcome) -> Outcome:
    """The outcome by the run's files, for a job that the launcher has not reported."""
    if outcome.end != "not started" or job.run is None:
        return outcome
    now = refresh(job)
    if now.state == "finished":
        return Outcome("now")
    if now.state == "diverged":
        return Outcome("diverged", now.reason, DivergedError.exit_code)
    if now.state == "failed":
        return Outcome("failed", now.reason, now.exit_code or 1)
    if now.state == "held":
        return Outcome("held", now.reason, RunHeldError.exit_code)
    return Outcome("interrupted") if now.state == "interrupted" else outcome


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """The exit code of a sweep: 0 when every possible run is done.

    Otherwise that of the first failure, of a held run, of an interruption, or of a run that diverged, in this order; 2
    when no run is possible.
    """
    failures = [outcome.exit_code or 1 for outcome in outcomes if outcome.end == "failed"]
    if failures:
        return failures[0]
    ends = {outcome.end for outcome in outcomes}
    if "held" in ends:
        return RunHeldError.exit_code
    if {"interrupted", "not started"} & ends:
        return Interrupted.exit_code
    if "diverged" in ends:
        return DivergedError.exit_code
    return ConfigError.exit_code if ends == {"impossible"} else 0
