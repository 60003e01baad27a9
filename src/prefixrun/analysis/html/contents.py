"""From the records of a results tree to the page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prefixrun.analysis.claims import evaluate
from prefixrun.analysis.groups import run_groups
from prefixrun.analysis.html import overview, page, runs
from prefixrun.analysis.html.costs import cost_table
from prefixrun.analysis.html.examples import collect
from prefixrun.analysis.html.figures import page_figures
from prefixrun.analysis.html.findings import OUTCOMES, summary
from prefixrun.analysis.html.overview_figure import overview_figure
from prefixrun.analysis.html.provenance import Provenance
from prefixrun.analysis.html.tables import VERDICTS, tables
from prefixrun.analysis.html.training import training_figures
from prefixrun.analysis.verdicts import LOOK_LEVEL
from prefixrun.results.record import Record
from prefixrun.results.records import load_records, with_usable_counts
from prefixrun.runs.provenance import utc_now
from prefixrun.runs.version import __version__


@dataclass(frozen=True, slots=True)
class BuiltReport:
    """The page, and what to say about it."""

    html: str
    runs: int
    skipped: tuple[tuple[str, str], ...]
    """(what, reason)."""


def build(results_dir: Path, data_dir: Path | None, *, command: str, made: str | None = None) -> BuiltReport:
    """The report on every finished run of `results_dir`.

    `data_dir`: corpora, for inputs and references that no run has beside its outputs. `command`: as it was given.
    `made`: the time that the page says, now when None. Errors in single runs are in the report, not raised.
    """
    paths = {"results_dir": results_dir, "data_dir": data_dir}
    loaded = with_usable_counts(load_records(results_dir))
    records = sorted(loaded.runs, key=_order)
    groups = run_groups(records)
    examples = collect(records, data_dir)
    provenance = Provenance(records)
    compared = tables(groups)
    findings = evaluate(records)
    outcomes_of_tasks = overview.outcomes(groups)
    figures, figures_problem = page_figures(groups, results_dir / "figures")
    unread = [(run.directory.name, run.reason) for run in loaded.skipped]
    skipped = tuple((what, _without(paths, why)) for what, why in [*unread, *examples.problems])
    content: Mapping[str, Any] = {
        "version": __version__,
        "made": made or utc_now(),
        "command": command,
        "totals": overview.totals(records),
        "outcomes_of_tasks": outcomes_of_tasks,
        "interval_note": overview.interval_note(outcomes_of_tasks),
        "overview_figure": overview_figure(outcomes_of_tasks),
        "summary": overview.summary_table(records, groups),
        "left_out": skipped,
        "chapters": [replace(chapter, problem=_without(paths, chapter.problem)) for chapter in compared.chapters],
        "task_tables": runs.task_tables(groups, records),
        "run_pages": runs.run_pages(records, examples.sets, provenance),
        "shared_settings": runs.setting_lines(runs.shared_settings(records)),
        "figures": (*figures, *training_figures(records)),
        "figures_problem": _without(paths, figures_problem),
        "findings": findings,
        "look_level": f"{100 * LOOK_LEVEL:.1f}",
        "outcomes": OUTCOMES,
        "claim_counts": summary(findings),
        "verdicts": compared.verdicts,
        "verdict_kinds": VERDICTS,
        "costs": cost_table(records),
        "provenance": provenance.tables(),
        "scorings": provenance.scorings(),
        "has_examples": bool(examples.sets),
    }
    names = [{"name": record.run_id, "label": runs.label(record)} for record in records]
    return BuiltReport(page.render(content, {"runs": names, "sets": examples.sets}), len(records), skipped)


def _order(record: Record) -> tuple[object, ...]:
    """Neighbours differ in as little as there is."""
    result = record.result
    setting = (record.task, record.model, record.method, record.prefix_len or 0, str(result["init"]), result["n_train"])
    return (*setting, record.subsample_seed, record.seed, record.run_id)


def _without(paths: Mapping[str, Path | None], text: str) -> str:
    """A message without the directories of this machine in it. `paths`: argument of the command → directory."""
    for name, path in paths.items():
        if path is not None and path.name.strip("."):  # a dot says nothing of this machine
            whole = rf"(?<![\w./~-]){re.escape(str(path))}"
            text = re.sub(f"{whole}/", "", text)
            text = re.sub(rf"{whole}(?![\w~-]|\.\w)", name, text)
    return text
