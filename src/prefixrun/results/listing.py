"""Runs as named values, whatever their state: what `prefixrun ls` filters, sorts and shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from prefixrun.config.method_specs import spec_of
from prefixrun.config.setting_roles import flatten
from prefixrun.config.validate import closest, defaults
from prefixrun.errors import DamagedStateError, PrefixrunError, reading
from prefixrun.files import read_json
from prefixrun.results.display_names import main_metrics
from prefixrun.results.flat_settings import with_defaults
from prefixrun.results.record import Record
from prefixrun.results.records import SkippedRun, load_records
from prefixrun.runs.lock import holder
from prefixrun.runs.result_schema import stored_share
from prefixrun.runs.run import RECORDS, run_id_of, stored_identity

COLUMNS = ("id", "task", "model", "method", "size", "init", "n_train", "seed", "state", "when", "cost")
"""Values that every run has, or would have if it were finished. `size` is the length of a prefix, else the share of the
model that is stored, in per cent; `cost` the seconds of training and decoding."""

SECTIONS = ("parameters", "costs", "provenance")
"""Sections of result.json whose values are columns of their own: `costs.train_seconds`, in the units of result.json."""

BEGINNINGS = ("id", "when")
"""Keys of which a filter may give the beginning alone."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run."""

    directory: Path
    values: Mapping[str, Any]
    """COLUMNS, fields of result.json, dotted settings, scores by name, and `local`: has this machine
    its run, not the committed record alone? None for what it does not have."""
    main: tuple[str, ...]
    """The scores that its task is known by."""
    signatures: Mapping[str, str] = field(default_factory=dict)
    """Score with a value → how it was made."""
    reason: str = ""
    """Why it failed, or who holds it."""


@dataclass(frozen=True)
class Listing:
    """All runs of a results tree, and what could not be read: first those of this machine, the newest at the top, then
    committed records in the order of task, method, model and id."""

    runs: tuple[RunRow, ...]
    skipped: tuple[SkippedRun, ...]

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Every key that may be asked for: what some run has, and every setting there is."""
        settings = (key for key, _ in flatten(defaults()))
        return tuple(dict.fromkeys((*COLUMNS, "local", *(key for run in self.runs for key in run.values), *settings)))

    def check(self, keys: Iterable[str]) -> list[str]:
        """One sentence for each key that no run can have, with the one that was probably meant."""
        problems = []
        for key in keys:
            if key not in self.keys:
                close = closest(key, self.keys)
                hint = f"did you mean {close}?" if close else f"there are {', '.join(COLUMNS)}, settings and scores"
                problems.append(f"{key or '(empty)'}: no run has a key of this name; {hint}")
        return problems


def load(results_dir: Path) -> Listing:
    """Every run of a results tree: finished ones as `load_records` reads them, and those without a result yet."""
    records = load_records(results_dir)
    runs = [_finished(record) for record in records.runs]
    skipped = []
    for unusable in records.skipped:
        try:
            with reading(unusable.directory, "check its files and their permissions", DamagedStateError):
                started = _started(unusable.directory)
        except PrefixrunError as error:
            skipped.append(SkippedRun.because_of(error, unusable.directory))
            continue
        if started is None:
            skipped.append(unusable)
        else:
            runs.append(started)
    runs.sort(key=_order)
    local = [run for run in runs if run.values["local"]]
    local.sort(key=lambda run: str(run.values["when"] or ""), reverse=True)
    return Listing((*local, *(run for run in runs if not run.values["local"])), tuple(skipped))


def run_values(record: Record) -> dict[str, Any]:
    """The row of one run.

    Dotted settings (`train.lr`, with the schema's defaults), the plain fields of result.json (`run_id`, `task`,
    `n_train`, ...), SECTIONS, the value of each score by its name, and `dev_loss`.
    """
    result = record.result
    return {
        **record.settings,
        **{key: value for key, value in result.items() if value is None or isinstance(value, str | int | float)},
        **dict(flatten({name: result[name] for name in SECTIONS})),
        **{name: score["value"] for name, score in result["scores"].items()},
        "dev_loss": record.dev_loss,
    }


def matching(runs: Iterable[RunRow], filters: Mapping[str, str]) -> list[RunRow]:
    """The runs that have for each key the value, or one of those between commas."""
    return [run for run in runs if all(_matches(key, run.values.get(key), text) for key, text in filters.items())]


def ordered(runs: Iterable[RunRow], key: str, *, descending: bool = False) -> list[RunRow]:
    """By one value: numbers by size, before texts; runs without it last, whatever the direction."""
    runs = list(runs)
    with_value = [run for run in runs if run.values.get(key) is not None]
    with_value.sort(key=lambda run: _sort_key(run.values[key]), reverse=descending)
    return with_value + [run for run in runs if run.values.get(key) is None]


def signature_notes(runs: Sequence[RunRow], keys: Iterable[str]) -> list[str]:
    """One sentence for each score that has several signatures, so that its values may not be compared."""
    notes = []
    for key in keys:
        examples: dict[str, RunRow] = {}
        for run in runs:
            if key in run.signatures:
                examples.setdefault(run.signatures[key], run)
        if len(examples) > 1:
            parts = " and ".join(f"{signature} ({run.values['id']})" for signature, run in sorted(examples.items()))
            notes.append(f"{key} has {len(examples)} signatures, which cannot be compared: {parts}")
    return notes


def main_signature_notes(runs: Sequence[RunRow]) -> list[str]:
    """The same of the main scores, task by task, as signatures of different tasks differ anyhow."""
    notes = []
    for task in dict.fromkeys(run.values.get("task") for run in runs):
        of_task = [run for run in runs if run.values.get("task") == task]
        notes += signature_notes(of_task, dict.fromkeys(key for run in of_task for key in run.main))
    return notes


def _finished(record: Record) -> RunRow:
    result, costs = record.result, record.result["costs"]
    seconds = [costs[name] for name in ("train_seconds", "decode_seconds") if costs[name] is not None]
    values = {
        **run_values(record),
        "id": record.run_id,
        "size": stored_share(result) if record.prefix_len is None else record.prefix_len,
        "local": record.is_local,
        "state": "finished",
        "when": result["provenance"].get("time"),
        "cost": sum(seconds) if seconds else None,
    }
    signatures = {
        name: str(score["signature"]) for name, score in result["scores"].items() if score["value"] is not None
    }
    return RunRow(record.directory, values, record.main_metrics, signatures)


def _started(directory: Path) -> RunRow | None:
    """A run that has no result yet; None for a directory of anything else.

    Raises DamagedStateError when config.json is not that of the directory.
    """
    if (directory / "result.json").exists() or not (directory / "config.json").is_file():
        return None
    settings = with_defaults(stored_identity(directory).get("settings", {}))
    has_init = spec_of(settings.get("method.name")).has_init
    state, when, reason = _state(directory)
    values = {
        **settings,
        **{name: settings.get(f"{name}.name") for name in ("task", "model", "method")},
        "init": settings.get("init.name") if has_init else None,
        "prefix_len": settings.get("prefix_len") if has_init else None,
        "n_train": dict(flatten(_object(directory / "subset.json"))).get("train.chosen"),
        "id": run_id_of(directory),
        "size": settings.get("prefix_len") if has_init else None,
        "local": directory.parent.name != RECORDS,
        "state": state,
        "when": when,
        "cost": None,
    }
    scored_as = settings.get("task.metrics") or values["task"]
    return RunRow(directory, values, main_metrics(str(scored_as), {}), reason=reason)


def _state(directory: Path) -> tuple[str, str | None, str]:
    """State, since when, and why."""
    if who := holder(directory):
        return "held", who.started or None, f"held by {who.describe()}"
    if failure := _object(directory / "failed.json"):
        state = "diverged" if "diverged" in failure else "failed"
        return state, failure.get("time"), " ".join(str(failure.get("message")).split())
    newest = max(path.lstat().st_mtime for path in (directory, *directory.iterdir()))
    # `tune` ends its trials after their training; the command of their settings goes on with the outputs.
    is_trained = (directory / "costs.json").is_file() and not (directory / "generations.jsonl").exists()
    return (
        "trained" if is_trained else "interrupted",
        datetime.fromtimestamp(newest, UTC).isoformat(timespec="seconds"),
        "",
    )


def _object(path: Path) -> Mapping[str, Any]:
    """The object in a JSON file, empty when there is no such file. Raises DamagedStateError for anything else."""
    value = read_json(path) if path.is_file() else {}
    if not isinstance(value, Mapping):
        raise DamagedStateError(f"{path.parent}: {path.name} is not an object")
    return value


def _order(run: RunRow) -> tuple[str, ...]:
    return tuple(str(run.values[key]) for key in ("task", "method", "model", "id"))


def _matches(key: str, value: object, text: str) -> bool:
    return any(_equals(key, value, wanted) for wanted in (text, *text.split(",")))


def _equals(key: str, value: object, wanted: str) -> bool:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value] == wanted.lower()
    if isinstance(value, int | float):
        try:
            number = float(wanted)
        except ValueError:
            return False
        return number == value or (key == "size" and f"{number:.3g}" == f"{value:.3g}")  # as `ls` shows it
    if key == "when":  # with the blank that `ls` shows too
        wanted = wanted.replace(" ", "T")
    return str(value).startswith(wanted) if key in BEGINNINGS and wanted else str(value) == wanted


def _sort_key(value: object) -> tuple[bool, float, str]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return (not is_number, float(value), "") if is_number else (True, 0.0, str(value))  # type: ignore[arg-type]
