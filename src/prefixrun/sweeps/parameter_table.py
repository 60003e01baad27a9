"""The parameter counts of the points of a sweep, without weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from prefixrun.config.compose import SweepPoint
from prefixrun.errors import PrefixrunError
from prefixrun.methods import refuse_length
from prefixrun.methods.parameter_count import Parameters, count
from prefixrun.models.skeleton import skeleton
from prefixrun.runs import configure
from prefixrun.sweeps.plan import point_labels

NO_CORPUS = "data_dir=DIR"
"""Stands for the corpora of profiles that ask for them: none is read."""


@dataclass(frozen=True, slots=True)
class Row:
    """One point with its counts, or the reason why it has none."""

    point: SweepPoint
    label: str
    counts: Parameters | None
    reason: str = ""


def rows(overrides: Sequence[str]) -> list[Row]:
    """The counts of every point of a sweep. Raises ConfigError for words that are wrong whatever the others are."""
    points = [
        replace(point, overrides=tuple(text for text in point.overrides if text != NO_CORPUS))
        for point in configure.sweep_points([NO_CORPUS, *overrides])
    ]
    return [_row(point, label) for point, label in zip(points, point_labels(points), strict=True)]


def _row(point: SweepPoint, label: str) -> Row:
    if point.config is None:
        return Row(point, label, None, "; ".join(point.problems))
    try:
        backbone = skeleton(point.config.model)
        refuse_length(point.config, backbone)
        return Row(point, label, count(point.config, backbone))
    except PrefixrunError as error:
        return Row(point, label, None, str(error))
