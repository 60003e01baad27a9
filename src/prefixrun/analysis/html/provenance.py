"""What runs were made with: environments, models, data files, scorers and commands, equal ones in one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prefixrun.analysis.html.format import day
from prefixrun.analysis.html.pool import Pool
from prefixrun.analysis.html.table import Column, HtmlTable, number_cell, run_cell, text_cell
from prefixrun.console import count
from prefixrun.results import display_names
from prefixrun.results.record import Record

_OF_THE_RUN = ("command", "time")
_NAMED = ("prefixrun", "semantics", "python", "packages", "git", "threads", "cpu_count")
"""What has a column; the rest (a GPU, say) belongs to the machine."""


class Provenance:
    """Numbers, from 1 on, for what some runs share."""

    def __init__(self, runs: Sequence[Record]) -> None:
        self._runs = runs
        self._environments, self._scorings, self._backbones, self._files = Pool(), Pool(), Pool(), Pool()
        self._environment_of = {run.run_id: 1 + self._environments.add(environment(run)) for run in runs}
        self._scoring_of = {run.run_id: 1 + self._scorings.add(_scoring(run)) for run in runs}
        for run in runs:
            self._backbones.add(run.result.get("backbone", {"files": None, "sha256": None}))
            for split, part in run.result.get("data", {}).items():
                for file in part.get("files", ()):
                    self._files.add({"task": run.task, "split": split, "version": part.get("version"), **file})

    def environment_of(self, run: Record) -> int:
        """The row of the table of environments."""
        return self._environment_of[run.run_id]

    def scoring_of(self, run: Record) -> int:
        """Which of the tables says how its scores were made."""
        return self._scoring_of[run.run_id]

    def tables(self) -> tuple[HtmlTable, ...]:
        """What the section of the page shows, scorers apart."""
        return self._environment_table(), self._model_table(), self._file_table(), self._command_table()

    def scorings(self) -> list[HtmlTable]:
        """How scores were made: a table for each set of scorers that some runs share."""
        columns = (Column("Score"), Column("Signature", is_wide=True), Column("Why there is no value", is_wide=True))
        return [
            HtmlTable(
                f"Scorers {position} ({count(runs, 'run')})",
                columns,
                tuple(
                    (text_cell(display_names.of_metric(name)), text_cell(signature, is_code=True), text_cell(reason))
                    for name, signature, reason in lines
                ),
            )
            for position, (lines, runs) in enumerate(self._scorings, start=1)
        ]

    def _environment_table(self) -> HtmlTable:
        columns = tuple(
            Column(name, numeric=name in ("Environment", "Runs"), is_wide=name in ("Machine", "Packages"))
            for name in ("Environment", "Runs", "Commit", "prefixrun", "Semantics", "Python", "Machine", "Packages")
        )
        rows = (
            (number_cell(i), number_cell(n), *map(text_cell, _environment_texts(origin)))
            for i, (origin, n) in enumerate(self._environments, start=1)
        )
        return HtmlTable("Environments", columns, tuple(rows))

    def _model_table(self) -> HtmlTable:
        columns = (Column("Files", is_wide=True), Column("Runs", numeric=True), Column("SHA-256"))
        rows = (
            (text_cell(backbone.get("files")), number_cell(n), text_cell(backbone.get("sha256"), is_code=True))
            for backbone, n in self._backbones
        )
        return HtmlTable("Models", columns, tuple(rows))

    def _file_table(self) -> HtmlTable:
        columns = (*map(Column, ("File", "Task", "Part", "Version")), Column("Records", numeric=True))
        rows = (
            (
                *(text_cell(file.get(name)) for name in ("name", "task", "split", "version")),
                number_cell(file.get("records")),
                number_cell(n),
                text_cell(file.get("sha256"), is_code=True),
            )
            for file, n in self._files
        )
        return HtmlTable("Data files", (*columns, Column("Runs", numeric=True), Column("SHA-256")), tuple(rows))

    def _command_table(self) -> HtmlTable:
        columns = (Column("Run"), Column("Finished"), Column("Environment", numeric=True))
        return HtmlTable(
            "Commands",
            (*columns, Column("Command", is_wide=True)),
            tuple(
                (
                    run_cell(run),
                    text_cell(day(run.result["provenance"].get("time"))),
                    number_cell(self.environment_of(run)),
                    text_cell(run.result["provenance"].get("command"), is_code=True),
                )
                for run in self._runs
            ),
            is_long=True,
        )


def environment(run: Record) -> dict[str, Any]:
    """What a run ran on and with, without what is its alone."""
    return {name: value for name, value in run.result["provenance"].items() if name not in _OF_THE_RUN}


def machine(origin: Mapping[str, Any]) -> str:
    """Processor, accelerator, cores and threads, as far as they were recorded; processes where there are several."""
    others = {name: value for name, value in sorted(origin.items()) if name not in _NAMED and value not in (None, 1)}
    parts = [value if isinstance(value, str) else f"{name} {value}" for name, value in others.items()]
    sizes = (("cpu_count", "core"), ("threads", "thread"))
    return ", ".join([*parts, *(count(origin[name], unit) for name, unit in sizes if origin.get(name))])


def _environment_texts(origin: Mapping[str, Any]) -> tuple[object, ...]:
    git = origin.get("git") or {}
    commit = (git.get("commit") or "")[:12] + (" with changes" if git.get("commit") and git.get("modified") else "")
    packages = ", ".join(f"{name} {version}" for name, version in sorted((origin.get("packages") or {}).items()))
    names = ("prefixrun", "semantics", "python")
    return commit, *(origin.get(name) for name in names), machine(origin), packages


def _scoring(run: Record) -> list[list[str | None]]:
    return [[name, run.signature(name), run.reason(name)] for name in run.result["scores"]]
