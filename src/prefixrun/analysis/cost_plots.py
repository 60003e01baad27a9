"""The figure of what a score costs: a panel for each cost, and the paper's scores beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, floor, log, log10
from typing import TYPE_CHECKING

from prefixrun.analysis.canvas import TEXT, draw_interval, legend_below, metric_label, panels_of
from prefixrun.analysis.comparison import ENOUGH, Estimate
from prefixrun.analysis.figure_types import Curve, Figure, PaperMark
from prefixrun.analysis.groups import RunGroup
from prefixrun.analysis.mark_layout import Box, Placed, apart, around, text_sides
from prefixrun.config.method_specs import spec_of
from prefixrun.results import display_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

COSTS = (
    ("stored", "stored numbers per task", 1.0),
    ("train_seconds", "training time (min)", 60.0),
    ("peak_memory_bytes", "peak memory (GiB)", 2.0**30),
)
"""Panels of the Pareto figure: parameter or cost, its axis, the divisor of its unit."""

PAPER_PANEL = 0.5
"""Width of the panel of the paper's numbers, in panels."""


def measured_costs(figure: Figure) -> list[tuple[str, str, float]]:
    """The costs that some run of the figure has: a panel each."""
    return [cost for cost in COSTS if any(_cost(group, cost[0]) for group in figure.groups)]


def _cost(group: RunGroup, name: str) -> float | None:
    return float(group.parameters(name)) if name == "stored" else group.cost(name)


def width_of(figure: Figure) -> float:
    """In panels."""
    return len(measured_costs(figure)) + (PAPER_PANEL if figure.paper else 0)


def draw_costs(canvas: Canvas, figure: Figure) -> None:
    """Draw a panel for each cost, and last the paper's scores where there are some."""
    costs, metric = measured_costs(figure), figure.metrics[0]
    paper = [mark for mark in figure.paper if metric in mark.values]
    panels = panels_of(canvas, len(costs), share_y=True, beside=PAPER_PANEL if paper else 0)
    marks = [
        (curve, group, score)
        for curve in figure.curves
        for _, group in curve.points
        if (score := group.estimate(metric))
    ]
    height = _height([*(score.mean for *_, score in marks), *(mark.values[metric] for mark in paper)])
    for axes, (name, label, unit) in zip(panels, costs, strict=False):
        is_log = name == "stored"  # a method that stores nothing has no place on such an axis
        shown = [
            (curve, score, cost / unit)
            for curve, group, score in marks
            if (cost := _cost(group, name)) is not None and (cost or not is_log)
        ]
        _scores_at_costs(axes, shown, is_log, height)
        axes.set_xlabel(label)
    if paper:
        _paper_column(panels[-1], paper, metric, height)
    panels[0].set_ylabel(metric_label(metric))
    # Not every panel shows every mark: the first cannot show a method that stores nothing.
    legend_below(canvas, max(panels, key=lambda axes: len(axes.get_legend_handles_labels()[0])))


def _scores_at_costs(
    axes: Axes, shown: Sequence[tuple[Curve, Estimate, float]], is_log: bool, height: Callable[[float], float]
) -> None:
    """One panel, empty where no mark has this cost and a score; `shown`: mark, score, cost; `height`: where a score is
    between the ends of the vertical axis."""
    if not shown:
        return
    low, high = _limits([x for *_, x in shown], is_log)
    axes.set_xlim(low, high)
    shares = [log(x / low) / log(high / low) if is_log else (x - low) / (high - low) for *_, x in shown]
    marks = [_placed(share, score, height) for share, (_, score, _) in zip(shares, shown, strict=True)]
    aside = apart(marks)
    texts = []
    for (curve, score, x), mark, moved_by in zip(shown, marks, aside, strict=True):
        moved = x * (high / low) ** moved_by if is_log else x + moved_by * (high - low)
        _leader(axes, curve, (x, moved), score)
        _mark(axes, curve, moved, score)
        if curve.beside:
            texts.append((curve.beside, (moved, score.mean), (mark.x + moved_by, mark.y)))
    covered = [around(mark, moved_by) for mark, moved_by in zip(marks, aside, strict=True)]
    _beside(axes, texts, covered)
    if is_log:
        axes.set_xscale("log")
        axes.set_xlim(low, high)


def _placed(x: float, score: Estimate, height: Callable[[float], float]) -> Placed:
    y = height(score.mean)
    if score.draws < ENOUGH or score.low is None or score.high is None:
        return Placed(x, y, y, y)
    return Placed(x, y, height(score.low), height(score.high))


def _beside(
    axes: Axes,
    texts: Sequence[tuple[str, tuple[float, float], tuple[float, float]]],
    covered: Sequence[Box],
    panel: float = 1.0,
) -> None:
    """Write texts beside their marks where they cover least; `texts`: text, the mark's coordinates, and as shares."""
    sides = text_sides([(*share, text) for text, _, share in texts], covered, panel)
    for (text, at, _), (ha, va) in zip(texts, sides, strict=True):
        offset = ({"left": 6, "right": -6, "center": 0}[ha], 5 if va == "bottom" else -5)
        axes.annotate(text, at, offset, textcoords="offset points", ha=ha, va=va, fontsize=7, color=TEXT)


def _paper_column(axes: Axes, marks: Sequence[PaperMark], metric: str, height: Callable[[float], float]) -> None:
    """The paper's numbers on our vertical axis, as open marks; what they cost was not printed in our units."""
    placed = [Placed(0.5, y, y, y) for y in (height(mark.values[metric]) for mark in marks)]
    aside = apart(placed, PAPER_PANEL)
    texts = []
    for mark, at, moved_by in zip(marks, placed, aside, strict=True):
        spec, x, value = spec_of(mark.method), at.x + moved_by, mark.values[metric]
        axes.plot([x], [value], spec.marker, markersize=7, color=spec.colour, markerfacecolor="white")
        if mark.beside:
            texts.append((mark.beside, (x, value), (x, at.y)))
    covered = [around(at, moved_by, PAPER_PANEL) for at, moved_by in zip(placed, aside, strict=True)]
    _beside(axes, texts, covered, PAPER_PANEL)
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.set_xlabel(f"paper: {display_names.of_model(marks[0].model)}")


def _height(values: Sequence[float]) -> Callable[[float], float]:
    """Where a score is between the ends of the vertical axis, which has a margin of a twentieth on either side."""
    least, span = min(values), (max(values) - min(values)) or 1.0
    return lambda value: 0.05 + 0.9 * (value - least) / span


def _leader(axes: Axes, curve: Curve, ends: tuple[float, float], score: Estimate) -> None:
    """A line from the place of a mark, where a point is, to the mark that stands aside."""
    if ends[0] == ends[1]:
        return
    colour = spec_of(curve.method).colour
    axes.plot(ends, [score.mean] * 2, "-", color=colour, linewidth=0.8)
    axes.plot(ends[:1], [score.mean], ".", color=colour, markersize=3)


def _limits(xs: Sequence[float], is_log: bool) -> tuple[float, float]:
    """Ends of an axis of costs: whole powers of ten with room for a mark, or from zero on."""
    if is_log:
        return 10.0 ** floor(log10(0.7 * min(xs))), 10.0 ** ceil(log10(1.3 * max(xs)))
    largest = max(xs) or 1.0
    return -0.04 * largest, 1.08 * largest


def _mark(axes: Axes, curve: Curve, x: float, score: Estimate) -> None:
    spec = spec_of(curve.method)
    face = "white" if curve.dashed else spec.colour
    at = ([x], [score.mean])
    axes.plot(*at, spec.marker, markersize=7, color=spec.colour, markerfacecolor=face, label=curve.label)
    draw_interval(axes, [(x, score)], spec.colour)
