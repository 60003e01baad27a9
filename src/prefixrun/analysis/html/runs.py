"""Every run as a row of a table and as a page of its own: setting, scores, costs, and what it ran on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from prefixrun.analysis import paper_numbers
from prefixrun.analysis.comparability import verdict
from prefixrun.analysis.group_labels import further_settings
from prefixrun.analysis.groups import RunGroup, split_by
from prefixrun.analysis.html.format import day, duration, memory, number, pairs, share
from prefixrun.analysis.html.metrics import score_columns, score_names, score_text
from prefixrun.analysis.html.provenance import Provenance, environment, machine
from prefixrun.analysis.html.table import Cell, Column, HtmlTable, method_cell, number_cell, run_cell, text_cell
from prefixrun.console import NONE
from prefixrun.files import canonical_json
from prefixrun.results import display_names
from prefixrun.results.record import Record

Facts = tuple[tuple[str, str], ...]
"""(term, text)."""

_COSTS = (
    Column("Stored", numeric=True, title="numbers that are stored after training", detail="always"),
    Column("Training", numeric=True, title="training time", unit="s"),
    Column("Memory", numeric=True, title="peak memory", detail="always", unit="bytes"),
)

_PAIRS = Column("Pairs", numeric=True, title="training pairs that were seen, and of how many where these are more")

_FURTHER = Column("Further settings", is_wide=True, title="what tells it from others of the same columns")

_BACKBONE = (("files", "Model files"), ("sha256", "SHA-256 of the model"))


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


@dataclass(frozen=True, slots=True)
class TaskTables:
    """The runs of one task: scores of other tasks are on other scales, and would leave columns empty."""

    task: str
    settings: HtmlTable
    runs: HtmlTable


def task_tables(groups: Sequence[RunGroup], runs: Sequence[Record]) -> list[TaskTables]:
    """The tables of each task, in the order of the runs."""
    tables = []
    for of_task in split_by(runs, lambda run: run.task):
        task = of_task[0].task
        name = display_names.of_task(task)
        alike = [group for group in groups if group.first.task == task]
        tables.append(TaskTables(name, group_table(alike, name), run_table(alike, of_task, name)))
    return tables


def run_table(groups: Sequence[RunGroup], runs: Sequence[Record], task: str) -> HtmlTable:
    """One row a run of a task."""
    names = score_names(runs, with_values=True)
    further = {run.run_id: text for group, text in further_settings(groups).items() for run in group.runs}
    columns = (
        Column("Run"),
        *_setting_columns(runs),
        Column("Seed", numeric=True),
        Column("Subset", numeric=True, title="seed of the training subset"),
        _PAIRS,
        *score_columns(runs, names),
        *_COSTS,
        _FURTHER,
        Column("Beside the paper", detail="always", is_wide=True),
    )
    rows = tuple(_run_row(run, names, further.get(run.run_id, "")) for run in runs)
    return HtmlTable(f"{task}: every run", columns, rows, is_long=True)


def group_table(groups: Sequence[RunGroup], task: str) -> HtmlTable:
    """One row a setting of a task: runs that differ in their seeds alone."""
    runs = [group.first for group in groups]
    names = score_names(runs, with_values=True)
    columns = (
        *_setting_columns(runs),
        _PAIRS,
        Column("Runs", numeric=True),
        *score_columns(runs, names),
        *_COSTS,
        _FURTHER,
        Column("Which", detail="always"),
    )
    note = "Mean ± standard deviation over runs that differ in their seeds alone; means of times and memory."
    further = further_settings(groups)
    rows = tuple(_group_row(group, names, further[group]) for group in groups)
    return HtmlTable(f"{task}: every setting, over its seeds", columns, rows, (note,), is_long=True)


def run_pages(runs: Sequence[Record], sets: Sequence[Mapping[str, Any]], provenance: Provenance) -> list[RunPage]:
    """What there is to say of every run. `sets`: examples, for the links to outputs."""
    shared = shared_settings(runs)
    outputs = {int(position): str(example_set["name"]) for example_set in sets for position in example_set["outputs"]}
    return [_run_page(run, shared, outputs.get(at, ""), provenance) for at, run in enumerate(runs)]


def shared_settings(runs: Sequence[Record]) -> dict[str, Any]:
    """Settings that have the same value in every run; none when there is one run alone."""
    if len(runs) < 2:
        return {}
    first, *others = (run.settings for run in runs)
    return {key: value for key, value in first.items() if all(key in other and other[key] == value for other in others)}


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
        f"{pairs(record.seen, record.n_train)} pairs" if subset or record.seen < record.n_train else None,
        f"subset {record.subsample_seed}" if subset and record.subsample_seed else None,
        f"seed {record.seed}",
        record.model,
        record.run_id[:6],
    ]
    return ", ".join(part for part in parts if part)


def _setting_columns(runs: Sequence[Record]) -> list[Column]:
    """A setting that all runs share is a detail; the method names the row."""
    texts = list(zip(*(_setting(run) for run in runs), strict=True))
    labels = ("Method", "Length", "Init", "Model", "Data", "Profile")
    columns = []
    for name, cells in zip(labels, texts, strict=True):
        is_shared = name != "Method" and len({cell.text for cell in cells}) < 2
        columns.append(Column(name, numeric=name == "Length", is_filter=True, detail="always" if is_shared else ""))
    return columns


def _setting(run: Record) -> tuple[Cell, ...]:
    return (
        method_cell(run.method),
        number_cell(run.prefix_len),
        text_cell(run.result["init"]),
        text_cell(display_names.of_model(run.model)),
        text_cell(run.result["data_source"]),
        text_cell(run.result["profile"]),
    )


def _run_row(run: Record, names: Sequence[str], further: str) -> tuple[Cell, ...]:
    costs = run.result["costs"]
    return (
        run_cell(run),
        *_setting(run),
        number_cell(run.seed, str),
        number_cell(run.subsample_seed, str),
        Cell(pairs(run.seen, run.n_train), run.seen),
        *(Cell(score_text(value, run.scored_as, name), value) for name in names for value in [run.value(name)]),
        number_cell(run.result["parameters"]["stored"]),
        number_cell(costs.get("train_seconds"), duration),
        number_cell(costs.get("peak_memory_bytes"), memory),
        text_cell(further),
        text_cell(_verdict(run)),
    )


def _group_row(group: RunGroup, names: Sequence[str], further: str) -> tuple[Cell, ...]:
    return (
        *_setting(group.first),
        Cell(pairs(group.seen, group.n_train), group.seen),
        number_cell(len(group.runs)),
        *(group_score(group, name) for name in names),
        number_cell(group.parameters("stored")),
        number_cell(group.cost("train_seconds"), duration),
        number_cell(group.cost("peak_memory_bytes"), memory),
        text_cell(further),
        Cell("", runs=tuple(run.run_id for run in group.runs)),
    )


def group_score(group: RunGroup, metric: str) -> Cell:
    """Mean ± standard deviation over the runs of a group, with their number where not all have the score."""
    score = group.estimate(metric)
    if score is None:
        return Cell(NONE)
    parts = (score.mean,) if score.sd is None else (score.mean, score.sd)
    text = " ± ".join(score_text(part, group.first.scored_as, metric) for part in parts)
    return Cell(text if score.n == len(group.runs) else f"{text} (n = {score.n})", score.mean)


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
            ("Finished", day(origin.get("time"))),
            ("Directory", f"{run.directory.parent.name}/{run.directory.name}"),
            ("Machine", machine(environment(run)) or NONE),
            ("Environment", f"no. {provenance.environment_of(run)} of the section Provenance"),
            *((term, str(backbone[name])) for name, term in _BACKBONE if backbone.get(name)),
        ),
        outputs=outputs,
    )


def _setting_facts(run: Record) -> Facts:
    result = run.result
    facts = (
        ("Task", display_names.of_task(run.task)),
        ("Model", display_names.of_model(run.model)),
        ("Method", display_names.of_method(run.method)),
        ("Prefix length", run.prefix_len),
        ("Init", result["init"]),
        ("Seed", run.seed),
        ("Subsample seed", run.subsample_seed),
        ("Profile", result["profile"]),
        ("Data", result["data_source"]),
        ("Training pairs", _training_pairs(run)),
        (f"Inputs ({run.split})", _part(result.get("n_inputs"), result.get("n_inputs_available"))),
    )
    return tuple((term, str(value)) for term, value in facts if value is not None)


def _training_pairs(run: Record) -> str:
    chosen = _part(run.n_train, run.result.get("n_train_available"))
    return chosen if run.seen == run.n_train else f"{number(run.seen)} seen, of {chosen}"


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
        ("Parameters trained", number(parameters["trained"])),
        ("Numbers stored", number(parameters["stored"])),
        ("Stored, of the model", share(parameters["stored"], parameters["total"])),
        ("Parameters of the model", number(parameters["total"])),
    )


def _verdict(run: Record) -> str:
    return verdict(run.result, _paper_rows(run.task, run.split)).text


@cache
def _paper_rows(task: str, split: str) -> tuple[paper_numbers.Row, ...]:
    return paper_numbers.rows(task, split=split)
