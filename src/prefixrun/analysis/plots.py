"""Figures as PNG and SVG, the same bytes for the same records. What is shown is decided in curves.py.

A picture has neither title nor caption: both stand beside it, in the report and in the list of figures.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from contextlib import AbstractContextManager
from math import exp, log
from typing import TYPE_CHECKING

from prefixrun.analysis.canvas import (
    TEXT,
    as_bytes,
    canvas_of,
    draw_interval,
    legend_below,
    metric_label,
    panels_of,
)
from prefixrun.analysis.cost_plots import draw_costs, width_of
from prefixrun.analysis.figure_types import Curve, Figure, PaperMark
from prefixrun.analysis.groups import RunGroup
from prefixrun.config.method_specs import spec_of

DRAWING = 6
"""Increases whenever the way of drawing changes, so that figures drawn before are drawn again."""

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

_DODGE = 0.018
"""Distance of neighbouring curves at one x, as a share of the axis."""


def draw(figure: Figure, endings: Sequence[str] = ("png", "svg")) -> dict[str, bytes]:
    """Draw one figure in the forms asked for, each of which takes its time: ending of the file → content."""
    with _canvas(figure) as canvas:
        if figure.kind == "pareto":
            draw_costs(canvas, figure)
        elif figure.kind == "initialisation":
            _initialisations(canvas, figure)
        else:
            _lines(canvas, figure)
        return {ending: as_bytes(canvas, ending) for ending in endings}


def _canvas(figure: Figure) -> AbstractContextManager[Canvas]:
    panels = width_of(figure) if figure.kind == "pareto" else len(figure.metrics)
    height = 1.3 + 0.3 * len(figure.curves) if figure.kind == "initialisation" else 3.3
    return canvas_of(panels, height)


def _lines(canvas: Canvas, figure: Figure) -> None:
    panels = panels_of(canvas, len(figure.metrics))
    for axes, metric in zip(panels, figure.metrics, strict=True):
        is_log = _x_ticks(axes, figure)
        for curve, aside in zip(figure.curves, _aside(figure), strict=True):
            xs = [x * exp(aside) if is_log else x + aside for x, _ in curve.points]
            _line(axes, curve, metric, xs)
        _paper_lines(axes, figure.paper, metric)
        axes.set_xlabel(figure.x_label)
        axes.set_ylabel(metric_label(metric))
    legend_below(canvas, panels[0])


def _aside(figure: Figure) -> list[float]:
    """How far each curve is moved aside, so that intervals of one x do not cover each other."""
    xs = _xs(figure)
    span = log(xs[-1] / xs[0]) if _is_log(xs) else xs[-1] - xs[0]
    return [_DODGE * span * (position - (len(figure.curves) - 1) / 2) for position in range(len(figure.curves))]


def _line(axes: Axes, curve: Curve, metric: str, xs: Sequence[float]) -> None:
    groups = [group for _, group in curve.points]
    points = [(x, group, score) for x, group in zip(xs, groups, strict=True) if (score := group.estimate(metric))]
    spec = spec_of(curve.method)
    colour, mark = spec.colour, spec.marker
    _spread(axes, [(x, group) for x, group, _ in points], metric, colour)
    axes.plot(
        [x for x, _, _ in points],
        [score.mean for _, _, score in points],
        linestyle="--" if curve.dashed else "-",
        marker=mark,
        markersize=5,
        markerfacecolor="white" if curve.dashed else colour,
        color=colour,
        linewidth=1.6,
        label=curve.label,
        zorder=3,
    )


def _paper_lines(axes: Axes, marks: Sequence[PaperMark], metric: str) -> None:
    """The paper's numbers as open marks at their x, those of one method joined by a dotted line."""
    for method in dict.fromkeys(mark.method for mark in marks):
        points = [(mark.x, mark.values[metric]) for mark in marks if mark.method == method and metric in mark.values]
        points.sort()
        if not points:
            continue
        spec = spec_of(method)
        xs, values = zip(*points, strict=True)
        axes.plot(xs, values, ":", marker=spec.marker, color=spec.colour, markerfacecolor="white", linewidth=1.0)
        axes.annotate("paper", points[-1], (5, 4), textcoords="offset points", fontsize=7, color=TEXT)


def _spread(
    axes: Axes, points: Sequence[tuple[float, RunGroup]], metric: str, colour: str, *, across: bool = False
) -> None:
    """Every run of the run groups that have several, and the interval of the mean where it is more than the distance of
    two runs; `across` for run groups that lie on a vertical axis."""
    runs = [(x, value) for x, group in points if len(values := group.values(metric)) > 1 for value in values]
    if not runs:
        return
    at, shown = zip(*runs, strict=True)
    x, y = (shown, at) if across else (at, shown)
    axes.plot(x, y, "o", color=colour, markersize=2.6, alpha=0.6, markeredgewidth=0)
    scores = [(x, score) for x, group in points if (score := group.estimate(metric)) is not None]
    draw_interval(axes, scores, colour, across=across)


def _x_ticks(axes: Axes, figure: Figure) -> bool:
    """A tick at every x; whether the axis is logarithmic."""
    xs = _xs(figure)
    if _is_log(xs):
        axes.set_xscale("log")
    axes.set_xticks(xs, [f"{x:,.0f}" if x >= 100 else f"{x:.3g}" for x in xs])
    axes.set_xticks([], minor=True)
    if len(xs) > 6:
        axes.tick_params(axis="x", labelsize=7.5)
    return _is_log(xs)


def _xs(figure: Figure) -> list[float]:
    """Every x of the curves and of the paper's marks."""
    ours = {x for curve in figure.curves for x, _ in curve.points}
    return sorted(ours | {mark.x for mark in figure.paper if mark.x})


def _is_log(xs: Sequence[float]) -> bool:
    """Whether the values span so much that those near zero would fall on each other."""
    return xs[0] > 0 and xs[-1] / xs[0] >= 8


def _initialisations(canvas: Canvas, figure: Figure) -> None:
    """One line for each initialisation: a mark with its interval, as bars cut off below would mislead."""
    panels = panels_of(canvas, len(figure.metrics), share_y=True)
    colour = spec_of("prefix").colour
    for axes, metric in zip(panels, figure.metrics, strict=True):
        for position, curve in enumerate(reversed(figure.curves)):
            group = curve.first
            if score := group.estimate(metric):
                _spread(axes, [(position, group)], metric, colour, across=True)
                face = "white" if curve.dashed else colour
                axes.plot([score.mean], [position], "o", markersize=6.5, color=colour, markerfacecolor=face)
        axes.set_xlabel(metric_label(metric))
        labels = [textwrap.shorten(curve.label, 34, placeholder="…”") for curve in reversed(figure.curves)]
        axes.set_yticks(range(len(labels)), labels, parse_math=False)
        axes.set_ylim(-0.6, len(labels) - 0.4)
