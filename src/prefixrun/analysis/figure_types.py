"""What a figure is made of, for those who choose it (curves.py), draw it (plots.py) and describe it (captions.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from prefixrun.analysis.groups import RunGroup

Kind = Literal["low_data", "prefix_length", "data_fraction", "initialisation", "pareto"]


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of one method, in the order of x."""

    label: str
    """In the legend; marks of one label share their entry."""
    method: str
    dashed: bool
    """Set for random initialisation, to tell it from initialisation with words."""
    points: tuple[tuple[float, RunGroup], ...]
    beside: str = ""
    """Written beside a mark, where several have one label."""

    @property
    def first(self) -> RunGroup:
        """The run group of the first point, which is the only one of a mark."""
        return self.points[0][1]


@dataclass(frozen=True, slots=True)
class PaperMark:
    """The paper's numbers for one of its rows."""

    method: str
    model: str
    """Of the paper's row."""
    x: float | None
    """Where it stands on the axis; None in figures whose axes the paper has no numbers for."""
    values: Mapping[str, float]
    """By metric, of those that the figure shows."""
    beside: str = ""
    """Written beside the mark, where the paper has several rows of the method."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with a panel for each metric."""

    kind: Kind
    name: str
    """Of its files, without ending."""
    title: str
    x_label: str
    metrics: tuple[str, ...]
    curves: tuple[Curve, ...]
    """For initialisations and clouds one curve for each mark."""
    caption: str
    """What to see in it, and what its marks are; not in the picture, but beside it wherever it is shown."""
    paper: tuple[PaperMark, ...] = ()

    @property
    def groups(self) -> list[RunGroup]:
        """All run groups that it shows."""
        return [group for curve in self.curves for _, group in curve.points]
