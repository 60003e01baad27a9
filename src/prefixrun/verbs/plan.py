"""What a sweep would do: its runs with their states and the time they will take; nothing is run or written.

    prefixrun plan KEY=VALUE,VALUE ... [experiment=NAME] [json=FILE]

takes the words of a sweep. States: done, to do, interrupted (the next sweep resumes it), failed (the next one tries
again), held by another process, impossible (with the reason). Prefixes that do not fit a model's context are found only
when the model is loaded, so not here. The time is estimated from finished runs of the same task, model and method under
results_dir, scaled by training pairs, inputs and beams; an interrupted run counts as a whole one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefixrun import compose, files
from prefixrun.estimate import Neighbours, total, work
from prefixrun.plan import STATES, Job, jobs
from prefixrun.present import duration, say
from prefixrun.records import load_records
from prefixrun.sweep_table import heading


def run(words: Sequence[str]) -> int:
    """Print the plan, and write it to json=FILE if asked to. Returns 0."""
    overrides = [word for word in words if not word.startswith("json=") and word not in ("-m", "--multirun")]
    found = jobs(compose.points(overrides))
    seconds = _estimates(found)
    say(heading(found))
    say(_table(found, seconds))
    say(_sum(found, seconds))
    for word in words:
        if word.startswith("json="):
            content = [_entry(job, time) for job, time in zip(found, seconds, strict=True)]
            files.write_json(Path(word.removeprefix("json=")).expanduser().resolve(), {"runs": content})
    return 0


def _estimates(found: Sequence[Job]) -> list[float | None]:
    """Seconds that each run will take; None where it will take none, or where nothing is known."""
    neighbours: dict[str, Neighbours] = {}
    seconds: list[float | None] = []
    for job in found:
        if not job.is_open:
            seconds.append(None)
            continue
        tree = job.config.results_dir
        if tree not in neighbours:
            neighbours[tree] = Neighbours(load_records(Path(tree).expanduser()).found)
        seconds.append(neighbours[tree].seconds(job.config, work(job.config, job.available, job.inputs)))
    return seconds


def _table(found: Sequence[Job], seconds: Sequence[float | None]) -> str:
    width = max((len(STATES[job.state]) for job in found), default=5)
    rows = ["", f"{'state':<{width}}  {'time':>10}  run"]
    for job, time in zip(found, seconds, strict=True):
        took = duration(time) if time is not None else "unknown" if job.is_open else ""
        equal = f"  (and {job.equal} equal)" if job.equal else ""
        rows.append(f"{STATES[job.state]:<{width}}  {took:>10}  {job.label}{equal}")
        if job.reason:
            rows.append(f"{'':<{width}}  {'':>10}    {' '.join(job.reason.split())}")
    return "\n".join(rows)


def _sum(found: Sequence[Job], seconds: Sequence[float | None]) -> str:
    left = [time for job, time in zip(found, seconds, strict=True) if job.is_open]
    if not left:
        return "\nnothing is left to do"
    known, unknown = total(left)
    text = f"\n{len(left)} runs to do: about {duration(known)} one after the other"
    return text + (f", and {unknown} of unknown length: no finished run is like them" if unknown else "")


def _entry(job: Job, seconds: float | None) -> dict[str, Any]:
    return {
        "overrides": list(job.point.words),
        "state": job.state,
        "reason": job.reason or None,
        "run_id": job.run.id if job.run else None,
        "equal_points": job.equal,
        "estimated_seconds": seconds,
    }
