"""What a sweep would do: its runs with their states and the time they will take; nothing is run or written.

    prefixrun plan KEY=VALUE,VALUE ... [experiment=NAME] [--config-dir DIR] [json=FILE]

takes the overrides of a sweep. States: done, to do, interrupted (the next sweep resumes it), failed (the next one tries
again), diverged (not tried again), held by another process, not available here (its model or corpus cannot be read),
impossible; the last three with the reason. Prefixes that do not fit a model's context are found only when the model is
loaded, so not here. The time is estimated from finished runs of the same task, model and method under results_dir,
scaled by training pairs, inputs, beams and threads, with loading and scoring counted; an interrupted run counts as a
whole one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefixrun import files
from prefixrun.cli.arguments import check_out, parse_some, path_of, split_config_dir
from prefixrun.console import print_text
from prefixrun.errors import ConfigError
from prefixrun.runs import configure
from prefixrun.sweeps.estimate import estimate_jobs
from prefixrun.sweeps.plan import Job, plan_jobs
from prefixrun.sweeps.summary import format_states, print_plan


def run(arguments: Sequence[str]) -> int:
    """Print the plan, and write it to json=FILE if asked to. Returns 0, or 2 when none of the runs is possible."""
    config_dir, others = split_config_dir(arguments)
    values, overrides = parse_some([argument for argument in others if argument not in ("-m", "--multirun")], ("json",))
    check_out(values)
    jobs = plan_jobs(configure.sweep_points(overrides, config_dir=config_dir))
    seconds = estimate_jobs(jobs)
    print_text(format_states(jobs))
    print_plan(jobs, seconds)
    if out := path_of(values, "json"):
        content = [_entry(job, time) for job, time in zip(jobs, seconds, strict=True)]
        files.write_json(out, {"runs": content})
    return ConfigError.exit_code if all(job.state == "impossible" for job in jobs) else 0


def _entry(job: Job, seconds: float | None) -> dict[str, Any]:
    return {
        "overrides": list(job.point.overrides),
        "state": job.state,
        "reason": job.reason or None,
        "run_id": job.run.id if job.run else None,
        "equal_points": job.equal,
        "estimated_seconds": seconds,
    }
