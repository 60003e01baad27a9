"""The finished runs of a results tree, as tables, reports and sweeps read them: committed records and runs of this
machine, the same way.

What cannot be used is named with the reason, never dropped silently.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prefixrun.errors import DamagedStateError, PrefixrunError, reading
from prefixrun.files import read_json
from prefixrun.results.counts import COUNTS, is_whole_parquet
from prefixrun.results.diverged_runs import DivergedRun, read_diverged
from prefixrun.results.record import RESTORE, Record
from prefixrun.runs.result_schema import validate_result
from prefixrun.runs.run import RECORDS, run_id_of
from prefixrun.training.manifest import MANIFEST, Manifest

FOLDERS = (RECORDS, "runs")
"""Folders of a results tree with one directory a run: committed ones first, which win over a run of the same id."""


@dataclass(frozen=True, slots=True)
class SkippedRun:
    """A directory that is no usable record, and why."""

    directory: Path
    reason: str

    @staticmethod
    def because_of(error: PrefixrunError, directory: Path) -> SkippedRun:
        """With the message of an error, which need not name the directory again."""
        return SkippedRun(directory, str(error).removeprefix(f"{directory}: "))


@dataclass(frozen=True, slots=True)
class Records:
    """Everything under records/ and runs/ of one results tree."""

    runs: tuple[Record, ...]
    """In the order of task, method, model and run id."""
    skipped: tuple[SkippedRun, ...]
    diverged: tuple[DivergedRun, ...] = ()
    """Those of `skipped` whose training diverged."""

    def committed(self) -> Records:
        """Those in RECORDS, with the diverged runs in it alone: what is the same on every machine."""
        runs = [record for record in self.runs if record.directory.parent.name == RECORDS]
        diverged = tuple(run for run in self.diverged if run.directory.parent.name == RECORDS)
        return Records(_with_diverged(runs, diverged), self.skipped, diverged)


def load_records(results_dir: Path, folders: Sequence[str] = FOLDERS) -> Records:
    """Every finished run in these folders of a results tree, once each. Folders that do not exist are empty."""
    records: dict[str, Record] = {}
    skipped: list[SkippedRun] = []
    diverged: dict[str, DivergedRun] = {}
    for directory in _directories(results_dir, folders):
        try:
            with reading(directory, "check its files and their permissions", DamagedStateError):
                if failed := read_diverged(directory):
                    diverged.setdefault(failed.run_id, failed)
                    raise DamagedStateError(f"{directory}: the run diverged")
                record = Record(directory, _read_result(directory))
        except PrefixrunError as error:
            skipped.append(SkippedRun.because_of(error, directory))
            continue
        # A committed record is read first; the run that it was made from lends it the files that it does not hold.
        first = records.setdefault(record.run_id, record)
        if first is not record:
            if first.result != record.result:
                skipped.append(SkippedRun(directory, f"differs from {first.directory}, which is used"))
            else:
                records[record.run_id] = Record(first.directory, first.result, run_directory=directory)
    ordered = sorted(records.values(), key=lambda record: (record.task, record.method, record.model, record.run_id))
    failures = tuple(failed for failed in diverged.values() if failed.run_id not in records)
    return Records(_with_diverged(ordered, failures), tuple(skipped), failures)


def _with_diverged(records: Sequence[Record], diverged: Sequence[DivergedRun]) -> tuple[Record, ...]:
    """The records, each with the ids of the diverged runs of its training."""
    ids: dict[str, list[str]] = {}
    for run in diverged:
        ids.setdefault(run.training_key, []).append(run.run_id)
    with_ids = ((record, tuple(ids.get(record.training_key, ())) if ids else ()) for record in records)
    return tuple(record if record.diverged == its else replace(record, diverged=its) for record, its in with_ids)


def with_usable_counts(records: Records) -> Records:
    """Those of which the counts behind the scores can be read too, where they were kept, as tables and figures need.

    The others are left out with the reason.
    """
    usable: list[Record] = []
    skipped: list[SkippedRun] = []
    for record in records.runs:
        try:
            record.checked_stats()
            usable.append(record)
        except PrefixrunError as error:
            skipped.append(SkippedRun.because_of(error, record.directory))
    return Records(tuple(usable), (*records.skipped, *skipped), records.diverged)


def _directories(results_dir: Path, folders: Sequence[str]) -> Iterator[Path]:
    """Every directory of a run. Raises DamagedStateError when one of the folders cannot be read."""
    for folder in folders:
        with reading(results_dir / folder, "check its permissions", DamagedStateError):
            path = results_dir / folder
            directories = sorted(path.iterdir()) if path.is_dir() else []
        yield from (directory for directory in directories if not directory.name.startswith("."))


def _read_result(directory: Path) -> Mapping[str, Any]:
    """The valid result.json of a run's directory. Raises DamagedStateError."""
    path = directory / "result.json"
    if not directory.is_dir():
        raise DamagedStateError(f"{directory}: is not the directory of a run")
    if not path.exists():
        failed = (directory / "failed.json").is_file()
        state = "the run failed" if failed else "the run is not finished"
        known = failed or (directory / "config.json").is_file()
        raise DamagedStateError(
            f"{directory}: {state if known else 'has neither result.json nor config.json: not the directory of a run'}"
        )
    result = read_json(path)
    problems = validate_result(result)
    if not problems and run_id_of(directory) != result["run_id"]:
        problems = [f"run_id is {result['run_id']}, which is not what the directory is named after"]
    if problems:
        raise DamagedStateError(f"{directory}: result.json: {'; '.join(problems)}")
    if (counts := directory / COUNTS).is_file() and not is_whole_parquet(counts):
        raise DamagedStateError(
            f"{directory}: {COUNTS} is cut off; keep the record again from its run, or delete that file"
        )
    manifest = Manifest(directory / MANIFEST, result["run_id"])
    for name in (path.name, *((COUNTS,) if counts.is_file() else ())):
        manifest.check(name, RESTORE)
    return result  # type: ignore[no-any-return]
