"""Figures as PNG and SVG, the same bytes for the same records. What is shown is decided in curves.py.

A picture has neither title nor caption: both stand beside it, in the report and in the list of figures.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from math import ceil, exp, floor, log, log10
from typing import TYPE_CHECKING, Any

from prefixrun.analysis.comparison import ENOUGH, Estimate
from prefixrun.analysis.figure_types import Curve, Figure
from prefixrun.analysis.groups import RunGroup
from prefixrun.config.method_specs import spec_of
from prefixrun.results import display_names

DRAWING = 3
"""Increases whenever the way of drawing changes, so that figures drawn before are drawn again."""

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

COSTS = (
    ("stored", "stored numbers per task", 1.0),
    ("train_seconds", "training time (min)", 60.0),
    ("peak_memory_bytes", "peak memory (GiB)", 2.0**30),
)
"""Panels of the Pareto figure: parameter or cost, its axis, the divisor of its unit."""

_STYLE: dict[str, Any] = {
    "svg.hashsalt": "prefixrun",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "legend.frameon": False,
}
_PANEL = 3.4
"""Width of a panel in inches."""

_DODGE = 0.018
"""Distance of neighbouring curves at one x, as a share of the axis."""

_MARK = 0.045
"""Width of a mark, as a share of a panel: marks that are closer than this stand side by side."""


def draw(figure: Figure, endings: Sequence[str] = ("png", "svg")) -> dict[str, bytes]:
    """Draw one figure in the forms asked for, each of which takes its time: ending of the file → content."""
    with _canvas(figure) as canvas:
        if figure.kind == "pareto":
            _pareto(canvas, figure)
        elif figure.kind == "initialisation":
            _initialisations(canvas, figure)
        else:
            _lines(canvas, figure)
        return {ending: _bytes(canvas, ending) for ending in endings}


def _canvas(figure: Figure) -> AbstractContextManager[Canvas]:
    panels = len(_measured(figure)) if figure.kind == "pareto" else len(figure.metrics)
    height = 1.3 + 0.3 * len(figure.curves) if figure.kind == "initialisation" else 3.3
    return canvas_of(panels, height)


@contextmanager
def canvas_of(panels: int, height: float, *, width: float | None = None) -> Iterator[Canvas]:
    """A canvas without a screen, sizes in inches (`width`: that of its panels when None); imports matplotlib, which
    takes a second."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    style: Any = {**matplotlib.rcParamsDefault, "backend": "agg", **_STYLE}  # whatever the user's matplotlibrc says
    with matplotlib.rc_context(style):
        canvas = Canvas(figsize=(width or max(2, panels) * _PANEL, height), layout="constrained")
        FigureCanvasAgg(canvas)
        yield canvas


def as_svg(canvas: Canvas) -> str:
    """The text of a picture."""
    return _bytes(canvas, "svg").decode("utf-8")


def _bytes(canvas: Canvas, form: str) -> bytes:
    buffer = io.BytesIO()
    metadata: dict[str, Any] = {"Date": None} if form == "svg" else {"Software": None}
    canvas.savefig(buffer, format=form, metadata=metadata)
    return buffer.getvalue()


def _lines(canvas: Canvas, figure: Figure) -> None:
    panels = _panels(canvas, len(figure.metrics))
    for axes, metric in zip(panels, figure.metrics, strict=True):
        is_log = _x_ticks(axes, figure)
        for curve, aside in zip(figure.curves, _aside(figure), strict=True):
            xs = [x * exp(aside) if is_log else x + aside for x, _ in curve.points]
            _line(axes, curve, metric, xs)
        axes.set_xlabel(figure.x_label)
        axes.set_ylabel(_metric_label(metric))
    _below(canvas, panels[0])


def _aside(figure: Figure) -> list[float]:
    """How far each curve is moved aside, so that intervals of one x do not cover each other."""
    xs = sorted({x for curve in figure.curves for x, _ in curve.points})
    span = log(xs[-1] / xs[0]) if _is_log(xs) else xs[-1] - xs[0]
    return [_DODGE * span * (position - (len(figure.curves) - 1) / 2) for position in range(len(figure.curves))]


def _line(axes: Axes, curve: Curve, metric: str, xs: Sequence[float]) -> None:
    groups = [group for _, group in curve.points]
    points = [(x, each, score) for x, each in zip(xs, groups, strict=True) if (score := each.estimate(metric))]
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
    _interval(axes, scores, colour, across=across)


def _interval(axes: Axes, scores: Sequence[tuple[float, Estimate]], colour: str, *, across: bool = False) -> None:
    """The intervals of means of three independent runs or subsamples and more."""
    bars = [
        (x, score.mean, score.mean - score.low, score.high - score.mean)
        for x, score in scores
        if score.draws >= ENOUGH and score.low is not None and score.high is not None
    ]
    if bars:
        at, score_means, below, above = zip(*bars, strict=True)
        x, y = (score_means, at) if across else (at, score_means)
        errors: dict[str, Any] = {"xerr" if across else "yerr": [below, above]}
        axes.errorbar(x, y, **errors, fmt="none", ecolor=colour, elinewidth=0.9, capsize=2.5)


def _x_ticks(axes: Axes, figure: Figure) -> bool:
    """A tick at every x; whether the axis is logarithmic."""
    xs = sorted({x for curve in figure.curves for x, _ in curve.points})
    if _is_log(xs):
        axes.set_xscale("log")
    axes.set_xticks(xs, [f"{x:,.0f}" if x >= 1 else f"{x:g}" for x in xs])
    axes.set_xticks([], minor=True)
    if len(xs) > 6:
        axes.tick_params(axis="x", labelsize=7.5)
    return _is_log(xs)


def _is_log(xs: Sequence[float]) -> bool:
    """Whether the values span so much that those near zero would fall on each other."""
    return xs[0] > 0 and xs[-1] / xs[0] >= 8


def _initialisations(canvas: Canvas, figure: Figure) -> None:
    """One line for each initialisation: a mark with its interval, as bars cut off below would mislead."""
    panels = _panels(canvas, len(figure.metrics), share_y=True)
    colour = spec_of("prefix").colour
    for axes, metric in zip(panels, figure.metrics, strict=True):
        for position, curve in enumerate(reversed(figure.curves)):
            group = curve.first
            if score := group.estimate(metric):
                _spread(axes, [(position, group)], metric, colour, across=True)
                face = "white" if curve.dashed else colour
                axes.plot([score.mean], [position], "o", markersize=6.5, color=colour, markerfacecolor=face)
        axes.set_xlabel(_metric_label(metric))
        labels = [textwrap.shorten(curve.label, 34, placeholder="…”") for curve in reversed(figure.curves)]
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(-0.6, len(labels) - 0.4)


def _measured(figure: Figure) -> list[tuple[str, str, float]]:
    """The costs that some run of the figure has: a panel each."""
    return [cost for cost in COSTS if any(_cost(group, cost[0]) for group in figure.groups)]


def _cost(group: RunGroup, name: str) -> float | None:
    return float(group.parameters(name)) if name == "stored" else group.cost(name)


def _pareto(canvas: Canvas, figure: Figure) -> None:
    costs, metric = _measured(figure), figure.metrics[0]
    panels = _panels(canvas, len(costs), share_y=True)
    marks = [
        (curve, group, score)
        for curve in figure.curves
        for _, group in curve.points
        if (score := group.estimate(metric))
    ]
    heights = _shares([score.mean for _, _, score in marks], is_log=False)
    for axes, (name, label, unit) in zip(panels, costs, strict=True):
        is_log = name == "stored"  # a method that stores nothing has no place on such an axis
        shown = [
            (curve, group, height, cost / unit)
            for (curve, group, _), height in zip(marks, heights, strict=True)
            if (cost := _cost(group, name)) is not None and (cost or not is_log)
        ]
        xs = [x for *_, x in shown]
        low, high = _limits(xs, is_log)
        axes.set_xlim(low, high)
        aside = _apart(list(zip(_shares(xs, is_log), (height for *_, height, _ in shown), strict=True)))
        for (curve, group, _, x), share in zip(shown, aside, strict=True):
            moved = x * (high / low) ** share if is_log else x + share * (high - low)
            _leader(axes, curve, (x, moved), group, metric)
            _mark(axes, curve, moved, group, metric)
        if is_log:
            axes.set_xscale("log")
            axes.set_xlim(low, high)
        axes.set_xlabel(label)
    panels[0].set_ylabel(_metric_label(metric))
    # Not every panel shows every mark: the first cannot show a method that stores nothing.
    _below(canvas, max(panels, key=lambda axes: len(axes.get_legend_handles_labels()[0])))


def _leader(axes: Axes, curve: Curve, ends: tuple[float, float], group: RunGroup, metric: str) -> None:
    """A line from the place of a mark, where a point is, to the mark that stands aside."""
    score = group.estimate(metric)
    if score is None or ends[0] == ends[1]:
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


def _shares(values: Sequence[float], is_log: bool) -> list[float]:
    """Where values lie between the ends of their axis, from 0 to 1."""
    low, high = _limits(values, True) if is_log else (min(values), max(values))
    if is_log:
        return [log(value / low) / log(high / low) for value in values]
    return [(value - low) / (high - low) if high > low else 0.5 for value in values]


def _apart(places: Sequence[tuple[float, float]]) -> list[float]:
    """How far each mark is moved to the side, as a share of its panel, so that none covers another.

    `places`: (x, y) from 0 to 1. Marks that are closer than a mark's width to another one stand side by side around
    their middle, in the order of x.
    """
    clusters: list[list[int]] = []
    for index in sorted(range(len(places)), key=lambda i: places[i]):
        near = [each for each in clusters if any(_covers(places[index], places[other]) for other in each)]
        clusters = [each for each in clusters if each not in near] + [[*(i for each in near for i in each), index]]
    moved = [0.0] * len(places)
    for cluster in clusters:
        middle = sum(places[i][0] for i in cluster) / len(cluster)
        for position, index in enumerate(cluster):
            if len(cluster) > 1:
                moved[index] = middle + _MARK * (position - (len(cluster) - 1) / 2) - places[index][0]
    return moved


def _covers(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return abs(one[0] - other[0]) < _MARK and abs(one[1] - other[1]) < _MARK


def _mark(axes: Axes, curve: Curve, x: float, group: RunGroup, metric: str) -> None:
    score = group.estimate(metric)
    assert score is not None
    spec = spec_of(curve.method)
    face = "white" if curve.dashed else spec.colour
    at = ([x], [score.mean])
    axes.plot(*at, spec.marker, markersize=7, color=spec.colour, markerfacecolor=face, label=curve.label)
    _interval(axes, [(x, score)], spec.colour)
    if curve.beside:
        axes.annotate(curve.beside, (x, score.mean), (5, 4), textcoords="offset points", fontsize=7, color="#333333")


def _panels(canvas: Canvas, number: int, *, share_y: bool = False) -> list[Axes]:
    return list(canvas.subplots(1, number, squeeze=False, sharey=share_y)[0])


def _metric_label(metric: str) -> str:
    return display_names.of_metric(metric) + (" (less is better)" if display_names.less_is_better(metric) else "")


def _below(canvas: Canvas, axes: Axes) -> None:
    """The legend below the panels, where it covers nothing; one entry for marks of one label."""
    handles, labels = axes.get_legend_handles_labels()
    shown = dict(zip(labels, handles, strict=True))
    longest = max(map(len, shown), default=1)
    columns = max(1, min(len(shown), int(canvas.get_figwidth() / (0.5 + 0.075 * longest))))
    legend = 0.19 * -(-len(shown) // columns) + 0.08
    height = canvas.get_figheight() + legend
    canvas.set_figheight(height)
    canvas.set_layout_engine("constrained", rect=(0, legend / height, 1, 1 - legend / height))
    canvas.legend(
        shown.values(), shown.keys(), loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=columns, fontsize=8
    )
