"""Finished runs as committed records: the small files that tables, figures and claims are made from.

A record holds result.json, the outputs alone (corpora have licences of their own, so inputs and references stay out)
and the counts behind the scores, from which intervals and paired tests are made without scoring again. What was trained
stays with the run. Of a run whose training diverged there are its configuration and what its loss did: tables count it
against its setting.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from prefixrun.errors import DamagedStateError, DataError, PrefixrunError, reading
from prefixrun.files import canonical_json, make_directory, read_json, write_bytes, write_json
from prefixrun.results.counts import COUNTS, Counts
from prefixrun.results.diverged_runs import FILES, DivergedRun
from prefixrun.results.record import OUTPUTS, Record
from prefixrun.results.records import Records, SkippedRun, load_records
from prefixrun.runs.run import RECORDS, run_id_of

ALL = "all"


@dataclass(frozen=True, slots=True)
class ArchivedRun:
    """The record of one run."""

    directory: Path
    is_new: bool
    """False when the same record was there already; then nothing was written."""


@dataclass(frozen=True, slots=True)
class _Content:
    result: Any
    outputs: bytes
    counts: bytes


def select_runs(results_dir: Path, names: Sequence[str]) -> Records:
    """The finished and the diverged runs under `results_dir`/runs whose ids begin with `names`, each once; ``all``
    takes every one, and says in `skipped` which other runs there are.

    Raises DataError for a name that is of no such run, or of several, with the reason where it is known.
    """
    finished = load_records(results_dir, ("runs",))
    if list(names) == [ALL]:
        diverged = {run.directory for run in finished.diverged}
        return replace(finished, skipped=tuple(run for run in finished.skipped if run.directory not in diverged))
    selected: dict[str, Record | DivergedRun] = {}
    for name in names:
        matches: list[Record | DivergedRun] = [*finished.runs, *finished.diverged]
        matches = [run for run in matches if run.run_id.startswith(name)]
        if len(matches) > 1:
            raise DataError(
                f"run={name}: {len(matches)} runs begin like this: {', '.join(run.run_id for run in matches)}"
            )
        if not matches:
            reasons = [run for run in finished.skipped if run_id_of(run.directory).startswith(name)]
            reason = f": {reasons[0].directory}: {reasons[0].reason}" if reasons else ""
            raise DataError(f"run={name}: no finished run under {results_dir / 'runs'} has this id{reason}")
        selected[matches[0].run_id] = matches[0]
    return Records(
        tuple(run for run in selected.values() if isinstance(run, Record)),
        (),
        tuple(run for run in selected.values() if isinstance(run, DivergedRun)),
    )


def archive_runs(
    runs: Sequence[Record], results_dir: Path, *, left_out: list[SkippedRun] | None = None
) -> list[ArchivedRun]:
    """Copy finished runs to `results_dir`/records/; all are checked before the first is copied.

    The same run gives the same bytes. Raises DamagedStateError when a run is not whole, and when a record of its id is
    there that says something else: records are never overwritten. With `left_out` such runs are added to it instead,
    and the others are copied.
    """
    archived = load_records(results_dir, (RECORDS,))
    existing = {record.directory: record for record in archived.runs}
    damaged = {run.directory: run.reason for run in archived.skipped}
    todo: list[tuple[Path, _Content | None]] = []
    for run in runs:
        target = results_dir / RECORDS / run.directory.name
        try:
            if reason := damaged.get(target):
                raise DamagedStateError(f"{target}: {reason}; {_not_copied(left_out)}. Move it away")
            if target in existing:
                _check_same(run, existing[target], _not_copied(left_out))
            todo.append((target, None if target in existing else _content(run)))
        except PrefixrunError as error:
            if left_out is None:
                raise
            left_out.append(SkippedRun.because_of(error, run.directory))
    for target, content in todo:
        if content is not None:
            _write(target, content)
    return [ArchivedRun(target, is_new=content is not None) for target, content in todo]


def archive_diverged(runs: Sequence[DivergedRun], results_dir: Path) -> list[ArchivedRun]:
    """Copy the configurations of diverged runs, and what their losses did, to `results_dir`/records/.

    What is there already stays as it is: that of another processor may have diverged at another step.
    """
    archived = []
    for run in runs:
        target = results_dir / RECORDS / run.directory.name
        if is_new := not all((target / name).is_file() for name in FILES):
            make_directory(target)
            for name in FILES:
                write_json(target / name, read_json(run.directory / name))
        archived.append(ArchivedRun(target, is_new))
    return archived


def _write(target: Path, content: _Content) -> None:
    make_directory(target)
    write_bytes(target / OUTPUTS, content.outputs)
    write_bytes(target / COUNTS, content.counts)
    write_json(target / "result.json", content.result)


def _content(run: Record) -> _Content:
    outputs = run.outputs()
    if len(outputs) != run.result["n_inputs"]:
        raise DamagedStateError(
            f"{run.directory}: {len(outputs)} outputs in generations.jsonl, {run.result['n_inputs']} scored"
        )
    run.checked_stats()
    lines = (canonical_json({"id": key, "output": text}) + "\n" for key, text in outputs.items())
    counts = run.believed(COUNTS) or run.directory / COUNTS
    return _Content(run.result, compressed("".join(lines)), _compact(counts))


def _not_copied(left_out: list[SkippedRun] | None) -> str:
    """What a run that cannot be copied means for the others."""
    return "nothing was copied" if left_out is None else "this run was not copied"


def _check_same(run: Record, record: Record, not_copied: str) -> None:
    """Raise DamagedStateError when a record is not that of the run."""
    same = {
        "result.json": record.result == run.result,
        "outputs": record.outputs() == run.outputs(),
        "counts": _same_counts(record.stats(), run.stats()),
    }
    if differing := [name for name, is_same in same.items() if not is_same]:
        raise DamagedStateError(
            f"{record.directory}: is there already, with other {' and '.join(differing)} than {run.directory}; "
            f"{not_copied}. Move one of them away"
        )


def _same_counts(stored: Counts | None, of_run: Counts | None) -> bool:
    """A record without counts is the same as that of any run."""
    if stored is None or of_run is None:
        return stored is None
    if (stored.ids, stored.groups, list(stored.columns)) != (of_run.ids, of_run.groups, list(of_run.columns)):
        return False
    return all(np.array_equal(stored.columns[name], of_run.columns[name]) for name in stored.columns)


def compressed(text: str) -> bytes:
    """Text as gzip that is the same bytes on every day and machine."""
    return gzip.compress(text.encode("utf-8"), compresslevel=9, mtime=0)


def _compact(path: Path) -> bytes:
    """The same table in few bytes: most counts are small whole numbers that were stored as 64-bit floats."""
    with reading(path, "run its command again", DamagedStateError):
        table = pd.read_parquet(path)
    for name in table.columns.difference(["id", "group"], sort=False):
        if (table[name] == table[name].round()).all():
            table[name] = pd.to_numeric(table[name], downcast="integer")
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()
