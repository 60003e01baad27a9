"""From the records of a results tree to the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import prefixrun
from prefixrun.points import points
from prefixrun.provenance import utc_now
from prefixrun.records import Record, load_records
from prefixrun.report import overview, page
from prefixrun.report.drawings import drawings
from prefixrun.report.examples import collect
from prefixrun.report.runs import RunTable
from prefixrun.report.tables import VERDICTS, tables


@dataclass(frozen=True, slots=True)
class Built:
    """The page, and what to say about it."""

    html: str
    runs: int
    left_out: tuple[tuple[str, str], ...]
    """(what, reason)."""


def build(results_dir: Path, data_dir: Path | None, *, command: str, made: str | None = None) -> Built:
    """The report on every finished run of `results_dir`.

    `data_dir`: corpora, for inputs and references that no run has beside its outputs. `command`: as it was given.
    `made`: the time that the page says, now when None. Errors in single runs are in the report, not raised.
    """
    records = load_records(results_dir)
    runs = sorted(records.found, key=_order)
    table = RunTable.of(runs)
    examples = collect(runs, data_dir)
    found = [(one.directory.name, one.reason) for one in records.left_out]
    found_points = points(runs)
    compared = tables(found_points)
    drawn, figures_problem = drawings(found_points)
    left_out = tuple(_without(results_dir, data_dir, what, why) for what, why in [*found, *examples.problems])
    content: Mapping[str, Any] = {
        "version": prefixrun.__version__,
        "made": made or utc_now(),
        "command": command,
        "totals": overview.totals(table.runs),
        "parts": overview.parts(table.runs),
        "left_out": left_out,
        "chapters": compared.chapters,
        "figures": drawn,
        "figures_problem": figures_problem,
        "claims": [],
        "claim_counts": [],
        "verdicts": compared.verdicts,
        "verdict_kinds": VERDICTS,
    }
    html = page.render(content, {**table.plain(), "sets": examples.sets})
    return Built(html, len(table.runs), left_out)


def _order(record: Record) -> tuple[object, ...]:
    """Neighbours differ in as little as there is."""
    result = record.result
    setting = (record.task, record.model, record.method, record.prefix_len or 0, str(result["init"]), result["n_train"])
    return (*setting, record.subsample_seed, record.seed, record.run_id)


def _without(results_dir: Path, data_dir: Path | None, what: str, why: str) -> tuple[str, str]:
    """A reason without the places of this machine in it."""
    for name, path in (("results_dir", results_dir), ("data_dir", data_dir)):
        if path is not None:
            why = why.replace(f"{path}/", "").replace(str(path), name)
    return what, why
