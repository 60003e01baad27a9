"""What an answer to an open question is made of, and what all of them share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prefixrun.analysis.arms import Draw, draw
from prefixrun.analysis.open_plots import Picture
from prefixrun.console import Table
from prefixrun.results.record import Record

BySeed = Mapping[Draw, float]
"""Subsample and seed → loss."""

DOTS = "Small dots are runs, marks their means, bars 95 % intervals over three seeds or more."
LOSS = "development loss (nats a token)"


@dataclass(frozen=True, slots=True)
class Answer:
    """What some runs say about a question."""

    table: Table
    picture: Picture


def dev_losses(records: Iterable[Record]) -> dict[Draw, float]:
    """Subsample and seed → the development loss of their run, in this order."""
    return {draw(record): record.dev_loss for record in sorted(records, key=draw) if record.dev_loss is not None}


def whole_model(record: Record) -> str:
    """The name of the model that a probe has the first layers of, else of the model itself."""
    return record.model.removesuffix(f"_first{record.settings.get('model.layers')}")


def picture_name(question: str, record: Record, more: str = "", *, with_task: bool = True) -> str:
    """Of a picture's files."""
    task = record.task if with_task else ""
    precision = "" if record.precision == "fp32" else record.precision
    parts = filter(None, (f"open_{question}", task, whole_model(record), more, precision))
    return "-".join(re.sub(r"[^a-z0-9_.-]+", "", part.lower().replace(", ", "_")) for part in parts)
