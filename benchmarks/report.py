"""The table that is printed and the record that is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measure import CurvePoint, Measured, Results
from benchmarks.sides import LEARNING_RATE, Setup
from prefixrun.runs.provenance import provenance

PEER_PACKAGES = ("peft", "accelerate", "transformers", "torch")
MEGABYTE = 10**6


def ratio(row: Measured, peer: Measured | None) -> float | None:
    """Median over the rounds of this row's value over the peer's of the same round; None without a peer."""
    return None if peer is None else median(value / peers for value, peers in zip(row.values, peer.values, strict=True))


def peer_of(row: Measured, rows: Sequence[Measured]) -> Measured | None:
    """The row that does the same work with the libraries, where it is measured."""
    return next((other for other in rows if other.name == row.peer), None)


def show(results: Results, console: Console) -> None:
    """Print a table for each measurement and the settings."""
    plan, setup = results.setup.plan, results.setup
    if results.training is not None:
        title = (
            f"training: tokens of the pairs per second ({len(setup.pairs)} pairs of {_distinct_sources(setup)} inputs, "
            f"{setup.pair_tokens} tokens, batches of {plan.train_batch} pairs)"
        )
        _table(title, results.training.rows, console)
    if results.decoding is not None:
        title = (
            f"decoding: inputs per second ({len(setup.prompts)} inputs, beam 5, at most {plan.max_new_tokens} tokens, "
            "each side at its best batch size)"
        )
        _table(title, results.decoding.rows, console)
        for name, speeds in results.decoding.probes.items():
            tried = ", ".join(f"{size}: {speed:.2f}" for size, speed in speeds.items())
            _line(f"batch sizes tried, inputs/s: {name} {tried}", console)
        if results.decoding.outputs:
            equal = f"{results.decoding.equal_outputs} of {results.decoding.outputs}"
            _line(f"outputs equal on both sides: {equal}", console)
    if results.curve:
        _curve_table(results.curve, console)
    packages = ", ".join(f"{name} {version(name)}" for name in PEER_PACKAGES)
    corpus = "data_dir" if plan.data_dir else "the sample corpus"
    _line(
        f"\n{plan.model}, {plan.precision}, {setup.threads} threads, {plan.clock} clock, "
        f"prefix_len={plan.prefix_len} without MLP, E2E from {corpus}, {plan.weights} weights on {plan.device}; "
        f"{packages}",
        console,
    )
    if plan.peers != "none" and setup.is_decoder_only:
        _line("the peer's outputs depend on its prefix with these versions of peft and transformers (checked)", console)


def record(results: Results, arguments: Sequence[str]) -> dict[str, Any]:
    """Everything measured, for `json=`. arguments: those of `python -m benchmarks`."""
    settings = {key: value for key, value in asdict(results.setup.plan).items() if key not in ("json", "data_dir")}
    made = provenance(["python", "-m", "benchmarks", *arguments], threads=results.setup.threads)
    made["packages"] |= {name: version(name) for name in PEER_PACKAGES}
    return {
        "settings": settings,
        "data_source": "release" if results.setup.plan.data_dir else "sample",
        "learning_rate": LEARNING_RATE,
        "pairs": len(results.setup.pairs),
        "pair_tokens": results.setup.pair_tokens,
        "inputs": len(results.setup.prompts),
        "curve": [{"point": asdict(each.point), "rows": _rows(each.rows)} for each in results.curve],
        "training": None if results.training is None else {"rows": _rows(results.training.rows)},
        "decoding": None
        if results.decoding is None
        else {
            "rows": _rows(results.decoding.rows),
            "probes": {
                name: {str(size): speed for size, speed in speeds.items()}
                for name, speeds in results.decoding.probes.items()
            },
            "equal_outputs": results.decoding.equal_outputs,
            "outputs": results.decoding.outputs,
        },
        "provenance": made,
    }


def _rows(rows: Sequence[Measured]) -> list[dict[str, Any]]:
    return [
        {
            **asdict(row),
            "values": list(row.values),
            "limits": list(row.limits),
            "ratio_to_peer": ratio(row, peer_of(row, rows)),
            "share_of_limit": row.share,
        }
        for row in rows
    ]


def _table(title: str, rows: Sequence[Measured], console: Console) -> None:
    _line(f"\n{title}", console)
    table = Table(box=None, pad_edge=False)
    table.add_column("side")
    for name in ("min", "median", "max", "x peer", "% limit", "batch", "peak MB"):
        table.add_column(name, justify="right")
    for row in rows:
        numbers = (_number(value) for value in (min(row.values), median(row.values), max(row.values)))
        memory = f"{row.peak_memory / MEGABYTE:.0f}"
        times = ratio(row, peer_of(row, rows))
        shares = "" if times is None else f"{times:.2f}", f"{100 * row.share:.0f}"
        table.add_row(row.name, *numbers, *shares, str(row.batch_size), memory)
    console.print(table)
    for row in rows:
        _line(f"  {row.name}: {row.note}", console)


def _curve_table(curve: Sequence[CurvePoint], console: Console) -> None:
    """A line for each point; speeds are medians."""
    _line("\ntraining by size of the step: tokens of the pairs per second", console)
    table = Table(box=None, pad_edge=False)
    names = ("prefix", "batch", "input", "targets", "peer", "prefixrun", "x peer", "% limit", "peer MB", "prefixrun MB")
    for name in names:
        table.add_column(name, justify="right")
    for each in curve:
        peer, ours = each.rows
        point = each.point
        sizes = (point.prefix_len, point.batch, point.input_length, point.targets)
        speeds = (_number(median(row.values)) for row in each.rows)
        memory = (f"{row.peak_memory / MEGABYTE:.0f}" for row in each.rows)
        times = median(value / peers for value, peers in zip(ours.values, peer.values, strict=True))
        table.add_row(*map(str, sizes), *speeds, f"{times:.2f}", f"{100 * ours.share:.0f}", *memory)
    console.print(table)


def _number(value: float) -> str:
    return f"{value:.1f}" if value >= 100 else f"{value:.2f}"


def _line(text: str, console: Console) -> None:
    console.print(text, markup=False, soft_wrap=True)


def _distinct_sources(setup: Setup) -> int:
    return len({pair.source for pair in setup.pairs})
