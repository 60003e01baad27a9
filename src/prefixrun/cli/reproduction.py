"""The paper's experiments from wherever they stand to tables, figures, claims and a report, in one go.

Everything here exists elsewhere: grids are files of conf/experiment/, a sweep runs what is missing, the tables are made
from whatever is finished. This module decides what is asked for and puts the parts in a row.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prefixrun import data
from prefixrun.analysis.claims import evaluate
from prefixrun.analysis.groups import run_groups
from prefixrun.analysis.html import build
from prefixrun.analysis.paper_tables import paper_tables
from prefixrun.analysis.publish import publish_all
from prefixrun.analysis.verdict_counts import summary
from prefixrun.cli.arguments import checked_directory
from prefixrun.config.conf_tree import groups
from prefixrun.config.grids import DEFAULT_PROFILE, KEY, format_override
from prefixrun.console import count, print_text
from prefixrun.errors import ConfigError, DataError, Interrupted
from prefixrun.files import write_text
from prefixrun.results.records import load_records, with_usable_counts
from prefixrun.runs.provenance import command

TREE = Path("results")
QUICK_TREE = TREE / "quick"
"""Runs on the sample corpus stay out of the tree of the published tables."""

KEYS = (KEY, "profile", "data_dir", "results_dir", "only_tables")
"""The keys of this verb; every other argument is an override of the sweep."""

_STOPPED = (Interrupted.exit_code, 143)


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be reproduced, and where."""

    profile: str
    reason: str
    """Why this profile, for the user."""
    data_dir: Path | None
    results_dir: Path
    only_tables: bool
    overrides: tuple[str, ...]
    """The overrides of the sweep."""


def of_the_paper() -> list[str]:
    """The experiments without those that ask a question of their own (docs/OPEN_QUESTIONS.md)."""
    return [name for name in groups()[KEY] if not name.startswith("open_")]


def make_request(values: Mapping[str, str], overrides: Sequence[str]) -> Request:
    """The request with its defaults. `values`: those of KEYS that were given; `overrides`: further ones of the sweep.

    Raises ConfigError for arguments that contradict each other, DataError for a data_dir without any corpus.
    """
    if (only := values.get("only_tables", "false")) not in ("true", "false"):
        raise ConfigError(f"only_tables={only}: must be true or false")
    surplus = [*([f"{KEY}={values[KEY]}"] if KEY in values else []), *overrides]
    if only == "true" and surplus:
        raise ConfigError(f"{surplus[0]}: only_tables=true runs nothing and reads every finished run; leave it out")
    data_dir = Path(values["data_dir"]).expanduser() if "data_dir" in values else None
    profile, reason = _profile(values.get("profile"), data_dir)
    is_quick = profile == DEFAULT_PROFILE and (only == "false" or "profile" in values)
    results_dir = Path(values.get("results_dir", QUICK_TREE if is_quick else TREE)).expanduser()
    paths = {"results_dir": results_dir, **({"data_dir": data_dir} if data_dir else {})}
    sweep_overrides = (
        f"{KEY}={values.get(KEY, ','.join(of_the_paper()))}",
        f"profile={profile}",
        *(format_override(key, str(path)) for key, path in paths.items()),
        *overrides,
    )
    return Request(profile, reason, data_dir, results_dir, only == "true", sweep_overrides)


def _profile(profile: str | None, data_dir: Path | None) -> tuple[str, str]:
    """The profile, chosen by the corpora that are there when none is given, and why."""
    if profile is not None:
        return profile, "as given"
    if data_dir is None:
        return DEFAULT_PROFILE, (
            "no data_dir is given, so every experiment runs in small on the sample corpus, which says nothing about "
            "the paper; with the real corpora: data_dir=DIR"
        )
    tasks = [task for task in groups()["task"] if task not in data.LATER and data.directory_of(task, data_dir).is_dir()]
    if not tasks:
        raise DataError(f"{data_dir}: holds none of the corpora: there is no e2e/, webnlg/, dart/ or xsum/ in it")
    return "laptop", f"there are corpora in {data_dir} for {', '.join(tasks)}"


def reproduce(request: Request) -> int:
    """Run what is missing unless only tables are wanted, then publish. Returns the exit code of the sweep."""
    code = 0
    if not request.only_tables:
        print_text(f"profile {request.profile}: {request.reason}\nruns, tables and report: {request.results_dir}")
        code = _run(request)
        if code in _STOPPED:
            return code
    _publish(request)
    return code


def _run(request: Request) -> int:
    """Show the plan with its time and work it off; no model is loaded for a plan that has nothing left to do."""
    from prefixrun.runs import configure
    from prefixrun.sweeps.estimate import estimate_jobs
    from prefixrun.sweeps.execute import sweep
    from prefixrun.sweeps.launchers import launcher
    from prefixrun.sweeps.plan import plan_jobs
    from prefixrun.sweeps.summary import print_plan

    launch = launcher(request.overrides)
    jobs = plan_jobs(configure.sweep_points(request.overrides))
    print_plan(jobs, estimate_jobs(jobs, TREE))
    return sweep(jobs, launch)


def _publish(request: Request) -> None:
    """Tables, figures, report and a summary of verdicts, from the finished runs there are."""
    records = with_usable_counts(load_records(checked_directory("results_dir", request.results_dir)))
    for skipped in records.skipped:
        print_text(f"left out: {skipped.directory}: {skipped.reason}")
    written = publish_all(records, request.results_dir)
    report = request.results_dir / "report.html"
    write_text(report, build(request.results_dir, request.data_dir, command=command(sys.argv)).html)
    print_text("\n" + summary(paper_tables(run_groups(records.runs)), evaluate(records.runs)))
    print_text(f"\nfrom {count(len(records.runs), 'finished run')}:")
    for directory, files in Counter(path.parent for path in written).items():
        print_text(f"  {directory}/ ({count(files, 'file')})")
    print_text(f"  {report}")
