"""From the records of a results tree to the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import prefixrun
from prefixrun.analysis.groups import run_groups
from prefixrun.analysis.html import overview, page
from prefixrun.analysis.html.drawings import drawings
from prefixrun.analysis.html.examples import collect
from prefixrun.analysis.html.findings import claims, summary
from prefixrun.analysis.html.runs import RunTable
from prefixrun.analysis.html.tables import VERDICTS, tables
from prefixrun.results.records import Record, load_records
from prefixrun.runs.provenance import utc_now


@dataclass(frozen=True, slots=True)
class Built:
    """The page, and what to say about it."""

    html: str
    runs: int
    skipped: tuple[tuple[str, str], ...]
    """(what, reason)."""


def build(results_dir: Path, data_dir: Path | None, *, command: str, made: str | None = None) -> Built:
    """The report on every finished run of `results_dir`.

    `data_dir`: corpora, for inputs and references that no run has beside its outputs. `command`: as it was given.
    `made`: the time that the page says, now when None. Errors in single runs are in the report, not raised.
    """
    paths = {"results_dir": results_dir, "data_dir": data_dir}
    records = load_records(results_dir)
    runs = sorted(records.runs, key=_order)
    table = RunTable.of(runs)
    examples = collect(runs, data_dir)
    found = [(one.directory.name, one.reason) for one in records.skipped]
    groups = run_groups(runs)
    compared = tables(groups)
    found_claims = claims(runs)
    drawn, figures_problem = drawings(groups, results_dir / "figures")
    skipped = tuple((what, _without(paths, why)) for what, why in [*found, *examples.problems])
    content: Mapping[str, Any] = {
        "version": prefixrun.__version__,
        "made": made or utc_now(),
        "command": command,
        "totals": overview.totals(table.runs),
        "parts": overview.parts(table.runs),
        "left_out": skipped,
        "chapters": [replace(each, problem=_without(paths, each.problem)) for each in compared.chapters],
        "figures": drawn,
        "figures_problem": _without(paths, figures_problem),
        "claims": found_claims,
        "claim_counts": summary(found_claims),
        "verdicts": compared.verdicts,
        "verdict_kinds": VERDICTS,
    }
    html = page.render(content, {**table.plain(), "sets": examples.sets})
    return Built(html, len(table.runs), skipped)


def _order(record: Record) -> tuple[object, ...]:
    """Neighbours differ in as little as there is."""
    result = record.result
    setting = (record.task, record.model, record.method, record.prefix_len or 0, str(result["init"]), result["n_train"])
    return (*setting, record.subsample_seed, record.seed, record.run_id)


def _without(paths: Mapping[str, Path | None], text: str) -> str:
    """A message without the places of this machine in it. `paths`: argument of the command → directory."""
    for name, path in paths.items():
        if path is not None:
            text = text.replace(f"{path}/", "").replace(str(path), name)
    return text
