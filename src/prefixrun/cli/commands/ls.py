"""prefixrun ls [results_dir=results] [KEY=VALUE ...] [sort=KEY|-KEY] [columns=KEY,KEY,...] [json=FILE]

The runs of this machine, one a line, the newest first. With KEY=VALUE, sort, columns or json, or where there are none
of this machine, committed records too. Runs are finished, trained (not yet decoded, as the trials of `tune`), failed,
diverged, interrupted, or held by a process.

  KEY=VALUE    only the runs with this value; VALUE,VALUE for several. KEY is a column (task, method, state), a setting
               (train.lr=1e-3), a field of result.json (profile, costs.train_steps), a score, or local (false: a
               committed record alone); null for none. Of id and when the beginning is enough
  sort         the order: numbers by size, -KEY for the largest first
  columns      which keys to show (id, task, model, method, size, init, n_train, seed, scores, state, when, cost)
  json         also write everything that is known of these runs to this file
  results_dir  directory with records/ and runs/ (results)

size is the length of a prefix, else the stored share of the model in per cent; cost is the time of training and
decoding. What is no usable record is named with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefixrun.cli.arguments import check_out, checked_directory, path_of, results_dir, wrong_value
from prefixrun.config.validate import refusal, shown
from prefixrun.console import NONE, count, format_duration, print_error, print_table, print_text, simple_table
from prefixrun.errors import shortened
from prefixrun.files import canonical_json, write_json
from prefixrun.results.display_names import of_metric
from prefixrun.results.listing import (
    COLUMNS,
    Listing,
    RunRow,
    load,
    main_signature_notes,
    matching,
    ordered,
    signature_notes,
)

KEYS = ("results_dir", "sort", "columns", "json")
SCORES = "scores"
"""A column with a task's main scores by name, for runs of several tasks."""

VALUES_NAMED = 12
"""How many of the values that there are stand in a message."""


def run(arguments: Sequence[str]) -> int:
    """Print the table, and write it when asked. Raises ConfigError for keys that no run has. Returns 0."""
    values = _parse(arguments)
    check_out(values)
    tree = checked_directory("results_dir", results_dir(values))
    listing = load(tree)
    filters = {key: value for key, value in values.items() if key not in KEYS}
    sort = values.get("sort", "")
    columns = values["columns"].split(",") if "columns" in values else []
    used = [*filters, *([sort.removeprefix("-")] if sort else []), *(key for key in columns if key != SCORES)]
    if problems := listing.check(dict.fromkeys(used)):
        raise refusal(problems)
    hides_records = not values.keys() - {"results_dir"} and len({run.values["local"] for run in listing.runs}) > 1
    if hides_records:  # hundreds of them would hide the few runs of one's own
        filters = {"local": "true"}
    runs = matching(listing.runs, filters)
    if sort:
        runs = ordered(runs, sort.removeprefix("-"), descending=sort.startswith("-"))
    _show(listing, runs, {} if hides_records else filters, columns or _default_columns(runs))
    if hides_records:
        where = f" results_dir={values['results_dir']}" if "results_dir" in values else ""
        print_text(f"{count(len(listing.runs) - len(runs), 'committed record')}: prefixrun ls local=false{where}")
    if out := path_of(values, "json"):
        write_json(out, _record(tree, listing, runs))
    return 0


def _parse(arguments: Sequence[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    problems = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals:
            problems.append(f"{argument}: is not key=value")
        elif key in values:
            problems.append(f"{argument}: {key} is given twice; {key}=VALUE,VALUE means any of several")
        elif not value:
            hint = "leave it out" if key in KEYS else f"{key}=null means runs without one"
            problems.append(f"{argument}: has no value; {hint}")
        elif problem := wrong_value(key, value):
            problems.append(f"{shortened(argument)}: {problem}")
        values[key] = value
    if problems:
        raise refusal(problems)
    return values


def _default_columns(runs: Sequence[RunRow]) -> list[str]:
    """COLUMNS with the scores in them: a column each when all runs are of one kind of task."""
    kinds = {run.main for run in runs}
    scores = kinds.pop() if len(kinds) == 1 else (SCORES,)
    index = COLUMNS.index("state")
    return [*COLUMNS[:index], *scores, *COLUMNS[index:]]


def _show(listing: Listing, runs: Sequence[RunRow], filters: Mapping[str, str], columns: Sequence[str]) -> None:
    if runs:
        rows = [[_text(run, key) for key in columns] for run in runs]
        numbers = [index for index, key in enumerate(columns) if _is_number(runs, key)]
        print_table(simple_table(columns, rows, numbers=numbers))
        print_text("")
    print_text(f"{len(runs):,} of {count(len(listing.runs), 'run')}" if filters else count(len(runs), "run"))
    if not runs:
        for key, value in filters.items():
            if not matching(listing.runs, {key: value}):
                print_text(f"no run has {key}={value}; {_existing_values(listing.runs, key)}")
    for run in runs:
        if run.reason:
            print_text(f"{run.values['id']}: {run.reason}")
    shown_scores = main_signature_notes(runs) if SCORES in columns else []
    for note in dict.fromkeys((*signature_notes(runs, columns), *shown_scores)):
        print_text(note)
    for skipped in listing.skipped:
        print_error(f"left out: {skipped.directory}: {skipped.reason}")


def _existing_values(runs: Sequence[RunRow], key: str) -> str:
    values = sorted({shown(run.values.get(key)) for run in runs})
    more = ", ..." if len(values) > VALUES_NAMED else ""
    return f"there are {', '.join(values[:VALUES_NAMED])}{more}" if values else "there are no runs"


def _text(run: RunRow, key: str) -> str:
    if key == SCORES:
        known = [name for name in run.main if name in run.signatures]
        return ", ".join(f"{of_metric(name)} {run.values[name]:.2f}" for name in known) or NONE
    value = run.values.get(key)
    if value is None:
        return NONE
    if key == "when":
        return str(value)[:16].replace("T", " ")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and (key == "cost" or key.endswith("_seconds")):
        return format_duration(value)
    if is_number and key in run.signatures:
        return f"{value:.2f}"
    if isinstance(value, float):
        return f"{value:.3g} %" if key == "size" else f"{value:.6g}"
    return canonical_json(value) if isinstance(value, list | dict) else shown(value)


def _is_number(runs: Sequence[RunRow], key: str) -> bool:
    values = [value for run in runs if (value := run.values.get(key)) is not None]
    return bool(values) and all(isinstance(value, int | float) for value in values)


def _record(tree: Path, listing: Listing, runs: Sequence[RunRow]) -> dict[str, Any]:
    return {
        "runs": [
            {
                **run.values,
                "directory": run.directory.relative_to(tree).as_posix(),
                "reason": run.reason or None,
                "signatures": dict(run.signatures),
            }
            for run in runs
        ],
        "left_out": [
            {"directory": run.directory.relative_to(tree).as_posix(), "reason": run.reason} for run in listing.skipped
        ],
    }
