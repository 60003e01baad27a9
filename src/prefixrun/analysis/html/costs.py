"""What runs cost, by setting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from prefixrun.analysis.group_labels import decoding_text
from prefixrun.analysis.groups import split_by
from prefixrun.analysis.html.format import change, duration, memory, pairs, share
from prefixrun.analysis.html.provenance import environment, machine
from prefixrun.analysis.html.table import Cell, Column, HtmlTable, method_cell, number_cell, text_cell
from prefixrun.results import display_names
from prefixrun.results.record import Record

_COLUMNS = (
    Column("Method", is_filter=True),
    Column("Task", is_filter=True),
    Column("Model", is_filter=True, detail="always"),
    Column("Length", numeric=True),
    Column("Pairs", numeric=True, title="training pairs that were seen, and of how many where these are more"),
    Column("Steps", numeric=True, title="optimiser steps", detail="always"),
    Column("Format", title="precision of the model", detail="always"),
    Column("Runs", numeric=True),
    Column("Trained", numeric=True, title="parameters that are trained", detail="always"),
    Column("Stored", numeric=True, title="numbers that are stored after training"),
    Column("% of model", numeric=True, title="stored, of the model", unit="as a fraction"),
    Column("Training", numeric=True, title="training time", unit="s"),
    Column("Tokens", numeric=True, title="training tokens", detail="always"),
    Column("Tokens/s", numeric=True, title="training tokens a second"),
    Column("Decoding", numeric=True, title="decoding time of one input", unit="s"),
    Column("Search", title="how outputs are searched for", is_filter=True),
    Column("Memory", numeric=True, title="peak memory", unit="bytes"),
    Column(
        "Plain text",
        numeric=True,
        title="what the method adds to the loss on plain prose, in nats a token",
        detail="partial",
    ),
    Column("Machine", is_filter=True, title="by its letter in the note below"),
)


def cost_table(runs: Sequence[Record]) -> HtmlTable:
    """One row for runs that ought to cost the same: equal sizes, steps, precision, search and machine."""
    machines = {
        where: _letter(at) for at, where in enumerate(dict.fromkeys(_machine(run) for run in runs if _machine(run)))
    }
    rows = tuple(_row(alike, machines) for alike in split_by(runs, _setting))
    named = "; ".join(f"{letter}: {where}" for where, letter in machines.items())
    notes = ("Medians over the runs of a setting.", *([f"Machines: {named}."] if named else []))
    return HtmlTable("Costs by setting", _COLUMNS, rows, notes, is_long=True)


def _machine(run: Record) -> str:
    return machine(environment(run))


def _letter(position: int) -> str:
    """A to Z, then AA, AB, …"""
    before, at = divmod(position, 26)
    return (_letter(before - 1) if before else "") + chr(ord("A") + at)


def _setting(run: Record) -> tuple[Any, ...]:
    result = run.result
    sizes = (result["parameters"][name] for name in ("trained", "stored", "total"))
    steps = result["costs"].get("train_steps")
    how = (run.method, run.task, run.model, run.prefix_len, _is_nested(run))
    return *how, run.seen, run.n_train, steps, run.precision, decoding_text(run), _machine(run), *sizes


def _is_nested(run: Record) -> bool:
    return bool(run.settings.get("method.nested"))


def _row(runs: Sequence[Record], machines: Mapping[str, str]) -> tuple[Cell, ...]:
    first, parameters = runs[0], runs[0].result["parameters"]
    costs = [run.result["costs"] for run in runs]
    seconds, tokens, peak = (
        _median(run_costs.get(name) for run_costs in costs)
        for name in ("train_seconds", "train_tokens", "peak_memory_bytes")
    )
    speed = _median(_ratio(run_costs.get("train_tokens"), run_costs.get("train_seconds")) for run_costs in costs)
    decoding = _median(_ratio(run.result["costs"].get("decode_seconds"), run.result.get("n_inputs")) for run in runs)
    return (
        method_cell(first.method),
        text_cell(display_names.of_task(first.task)),
        text_cell(display_names.of_model(first.model)),
        Cell(f"{first.prefix_len}, nested", first.prefix_len) if _is_nested(first) else number_cell(first.prefix_len),
        Cell(pairs(first.seen, first.n_train), first.seen),
        number_cell(first.result["costs"].get("train_steps")),
        text_cell(first.precision),
        *map(number_cell, (len(runs), parameters["trained"], parameters["stored"])),
        Cell(share(parameters["stored"], parameters["total"]), _ratio(parameters["stored"], parameters["total"])),
        number_cell(seconds, duration),
        number_cell(tokens),
        number_cell(speed),
        number_cell(decoding, duration),
        text_cell(decoding_text(first)),
        number_cell(peak, memory),
        number_cell(_median(run.forgetting for run in runs), change),
        text_cell(machines.get(_machine(first))),
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole
