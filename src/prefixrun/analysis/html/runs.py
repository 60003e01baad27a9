"""Every run as a row of a table and as a page of its own: setting, scores, costs, and what it ran on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from prefixrun.analysis import paper_numbers
from prefixrun.analysis.comparability import verdict
from prefixrun.analysis.groups import RunGroup
from prefixrun.analysis.html.format import NOTHING, duration, memory, number, share
from prefixrun.analysis.html.metrics import score_columns, score_names, score_text
from prefixrun.analysis.html.provenance import Provenance
from prefixrun.analysis.html.table import Cell, Column, HtmlTable, number_cell, run_cell, text_cell
from prefixrun.files import canonical_json
from prefixrun.results import display_names
from prefixrun.results.records import Record

Facts = tuple[tuple[str, str], ...]
"""(term, text)."""

_COSTS = (
    Column("Stored", numeric=True, title="numbers that are stored after training", detail="always"),
    Column("Training", numeric=True, title="training time"),
    Column("Memory", numeric=True, title="peak memory", detail="always"),
)

_BACKBONE = (("files", "Model files"), ("sha256", "SHA-256"))


@dataclass(frozen=True, slots=True)
class RunPage:
    """What the page says of one run."""

    run_id: str
    label: str
    verdict: str
    scores: Facts
    scoring: int
    """Number of the table that says how the scores were made."""
    setting: Facts
    other_settings: str
    """Those that not all runs share, a line each."""
    costs: Facts
    command: str
    provenance: Facts
    outputs: str
    """Name of the set of examples with its outputs; empty without outputs."""


def run_table(runs: Sequence[Record]) -> HtmlTable:
    """One row a run."""
    names = score_names(runs, with_values=True)
    columns = (
        Column("Run"),
        *_setting_columns(runs),
        Column("Seed", numeric=True),
        Column("Subset", numeric=True, title="seed of the training subset"),
        Column("Pairs", numeric=True, title="training pairs"),
        *score_columns(runs, names),
        *_COSTS,
        Column("Beside the paper", detail="always", is_wide=True),
    )
    return HtmlTable("Every run", columns, tuple(_run_row(run, names) for run in runs), is_long=True)


def group_table(groups: Sequence[RunGroup]) -> HtmlTable:
    """One row a setting: runs that differ in their seeds alone."""
    runs = [group.first for group in groups]
    names = score_names(runs, with_values=True)
    columns = (
        *_setting_columns(runs),
        Column("Pairs", numeric=True, title="training pairs"),
        Column("Runs", numeric=True),
        *score_columns(runs, names),
        *_COSTS,
        Column("Which", detail="always"),
    )
    note = "Mean ± standard deviation over runs that differ in their seeds alone; means of times and memory."
    rows = tuple(_group_row(group, names) for group in groups)
    return HtmlTable("Every setting, over its seeds", columns, rows, (note,) if rows else (), is_long=True)


def run_pages(runs: Sequence[Record], sets: Sequence[Mapping[str, Any]], provenance: Provenance) -> list[RunPage]:
    """What there is to say of every run. `sets`: examples, for the links to outputs."""
    shared = shared_settings(runs)
    outputs = {int(position): str(each["name"]) for each in sets for position in each["outputs"]}
    return [_run_page(run, shared, outputs.get(at, ""), provenance) for at, run in enumerate(runs)]


def shared_settings(runs: Sequence[Record]) -> dict[str, Any]:
    """Settings that have the same value in every run; none when there is one run alone."""
    if len(runs) < 2:
        return {}
    first, *others = (run.settings for run in runs)
    return {key: value for key, value in first.items() if all(key in each and each[key] == value for each in others)}


def setting_lines(settings: Mapping[str, Any]) -> str:
    """``key = value``, a line each, values as JSON."""
    return "\n".join(f"{key} = {canonical_json(value)}" for key, value in sorted(settings.items()))


def label(record: Record) -> str:
    """A run in a few words: method, length, init, size of the training set where it is a part, seeds, model."""
    result = record.result
    method = record.method if record.prefix_len is None else f"{record.method} {record.prefix_len}"
    whole = result.get("n_train_available")
    subset = whole is not None and result["n_train"] < whole
    parts = [
        method,
        result["init"],
        f"{result['n_train']:,} pairs" if subset else None,
        f"subset {record.subsample_seed}" if subset and record.subsample_seed else None,
        f"seed {record.seed}",
        record.model,
        record.run_id[:6],
    ]
    return ", ".join(part for part in parts if part)


def _setting_columns(runs: Sequence[Record]) -> list[Column]:
    """A setting that all runs share is a detail."""
    texts = list(zip(*(_setting(run) for run in runs), strict=True)) or [()] * 7
    labels = ("Task", "Method", "Length", "Init", "Model", "Data", "Profile")
    columns = []
    for name, cells in zip(labels, texts, strict=True):
        is_shared = len({cell.text for cell in cells}) < 2
        columns.append(Column(name, numeric=name == "Length", is_filter=True, detail="always" if is_shared else ""))
    return columns


def _setting(run: Record) -> tuple[Cell, ...]:
    return (
        text_cell(display_names.of_task(run.task)),
        text_cell(display_names.of_method_briefly(run.method)),
        number_cell(run.prefix_len),
        text_cell(run.result["init"]),
        text_cell(display_names.of_model(run.model)),
        text_cell(run.result["data_source"]),
        text_cell(run.result["profile"]),
    )


def _run_row(run: Record, names: Sequence[str]) -> tuple[Cell, ...]:
    costs = run.result["costs"]
    return (
        run_cell(run),
        *_setting(run),
        number_cell(run.seed, str),
        number_cell(run.subsample_seed, str),
        number_cell(run.n_train),
        *(Cell(score_text(value, run.scored_as, name), value) for name in names for value in [run.value(name)]),
        number_cell(run.result["parameters"]["stored"]),
        number_cell(costs.get("train_seconds"), duration),
        number_cell(costs.get("peak_memory_bytes"), memory),
        text_cell(_verdict(run)),
    )


def _group_row(group: RunGroup, names: Sequence[str]) -> tuple[Cell, ...]:
    return (
        *_setting(group.first),
        number_cell(group.n_train),
        number_cell(len(group.runs)),
        *(group_score(group, name) for name in names),
        number_cell(group.parameters("stored")),
        number_cell(group.cost("train_seconds"), duration),
        number_cell(group.cost("peak_memory_bytes"), memory),
        Cell("", runs=tuple(run.run_id for run in group.runs)),
    )


def group_score(group: RunGroup, metric: str) -> Cell:
    """Mean ± standard deviation over the runs of a group."""
    score = group.estimate(metric)
    if score is None:
        return Cell(NOTHING)
    parts = (score.mean,) if score.sd is None else (score.mean, score.sd)
    return Cell(" ± ".join(score_text(part, group.first.scored_as, metric) for part in parts), score.mean)


def _run_page(run: Record, shared: Mapping[str, Any], outputs: str, provenance: Provenance) -> RunPage:
    origin, backbone = run.result["provenance"], run.result.get("backbone", {})
    scores = ((name, score_text(run.value(name), run.scored_as, name)) for name in score_names([run]))
    others = {key: value for key, value in run.settings.items() if key not in shared}
    return RunPage(
        run_id=run.run_id,
        label=label(run),
        verdict=_verdict(run),
        scores=tuple((display_names.of_metric(name), text) for name, text in scores),
        scoring=provenance.scoring_of(run),
        setting=_setting_facts(run),
        other_settings=setting_lines(others),
        costs=_cost_facts(run),
        command=origin.get("command") or "command not recorded",
        provenance=(
            ("Finished", origin.get("time") or NOTHING),
            ("Directory", f"{run.directory.parent.name}/{run.directory.name}"),
            ("Environment", str(provenance.environment_of(run))),
            *((term, str(backbone[name])) for name, term in _BACKBONE if backbone.get(name)),
        ),
        outputs=outputs,
    )


def _setting_facts(run: Record) -> Facts:
    result = run.result
    facts = (
        ("Task", run.task),
        ("Model", run.model),
        ("Method", run.method),
        ("Prefix length", run.prefix_len),
        ("Init", result["init"]),
        ("Seed", run.seed),
        ("Subsample seed", run.subsample_seed),
        ("Profile", result["profile"]),
        ("Data", result["data_source"]),
        ("Training pairs", _part(run.n_train, result.get("n_train_available"))),
        (f"Inputs ({run.split})", _part(result.get("n_inputs"), result.get("n_inputs_available"))),
    )
    return tuple((term, str(value)) for term, value in facts if value is not None)


def _part(part: int | None, whole: int | None) -> str:
    return f"{number(part)} of {number(whole)}" if whole and whole != part else number(part)


def _cost_facts(run: Record) -> Facts:
    costs, parameters = run.result["costs"], run.result["parameters"]
    seconds, tokens = costs.get("train_seconds"), costs.get("train_tokens")
    return (
        ("Training", duration(seconds)),
        ("Training tokens", number(tokens)),
        ("Tokens a second", number(tokens / seconds if seconds and tokens is not None else None)),
        ("Decoding", duration(costs.get("decode_seconds"))),
        ("Peak memory", memory(costs.get("peak_memory_bytes"))),
        ("Trained", number(parameters["trained"])),
        ("Stored", number(parameters["stored"])),
        ("Stored, of the model", share(parameters["stored"], parameters["total"])),
        ("Model", number(parameters["total"])),
    )


def _verdict(run: Record) -> str:
    return verdict(run.result, _paper_rows(run.task, run.split)).text


@cache
def _paper_rows(task: str, split: str) -> tuple[paper_numbers.Row, ...]:
    return paper_numbers.rows(task, split=split)
