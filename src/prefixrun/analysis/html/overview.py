"""What was run, in sums, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Part:
    """Runs of one task, model and method on the same kind of data."""

    task: str
    model: str
    method: str
    data_source: str
    runs: int
    seeds: int
    """Different seeds among them."""
    prefix_lens: str
    pairs: str
    """Sizes of the training sets."""
    train_seconds: float | None
    train_tokens: int | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all runs; None where no run recorded it."""

    runs: int
    tasks: tuple[str, ...]
    models: tuple[str, ...]
    methods: tuple[str, ...]
    train_seconds: float | None
    train_tokens: float | None
    decode_seconds: float | None


def totals(runs: Sequence[Mapping[str, Any]]) -> Totals:
    """The sums of the first page."""
    tasks, models, methods = (tuple(sorted({run[name] for run in runs})) for name in ("task", "model", "method"))
    return Totals(
        len(runs), tasks, models, methods, *(_sum(runs, n) for n in ("train_seconds", "train_tokens", "decode_seconds"))
    )


def parts(runs: Sequence[Mapping[str, Any]]) -> list[Part]:
    """One line for each task, model, method and kind of data, in the order of the runs."""
    found: dict[tuple[str, str, str, str], list[Mapping[str, Any]]] = {}
    for run in runs:
        found.setdefault((run["task"], run["model"], run["method"], run["data_source"]), []).append(run)
    return [
        Part(
            task=task,
            model=model,
            method=method,
            data_source=source,
            runs=len(members),
            seeds=len({run["seed"] for run in members}),
            prefix_lens=_listed({run["prefix_len"] for run in members}),
            pairs=_listed({run["n_train"] for run in members}),
            train_seconds=_sum(members, "train_seconds"),
            train_tokens=_sum(members, "train_tokens"),
        )
        for (task, model, method, source), members in found.items()
    ]


def _sum(runs: Sequence[Mapping[str, Any]], name: str) -> Any:
    known = [run[name] for run in runs if run[name] is not None]
    return sum(known) if known else None


def _listed(values: set[Any]) -> str:
    """Few values one by one, many as their range."""
    known = sorted(value for value in values if value is not None)
    if len(known) > 6:
        return f"{known[0]:,} to {known[-1]:,} ({len(known)} sizes)"
    return ", ".join(f"{value:,}" for value in known)
