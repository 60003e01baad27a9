"""A picture without a screen, the same bytes for the same content: style, panels, and what all figures share."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prefixrun.analysis.comparison import ENOUGH, Estimate
from prefixrun.results import display_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

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

TEXT = "#333333"
"""Colour of texts beside marks."""


@contextmanager
def canvas_of(panels: float, height: float, *, width: float | None = None) -> Iterator[Canvas]:
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
    return as_bytes(canvas, "svg").decode("utf-8")


def as_bytes(canvas: Canvas, form: str) -> bytes:
    """The picture as "png" or "svg", without the time and the versions of programs."""
    buffer = io.BytesIO()
    metadata: dict[str, Any] = {"Date": None} if form == "svg" else {"Software": None}
    canvas.savefig(buffer, format=form, metadata=metadata)
    return buffer.getvalue()


def panels_of(canvas: Canvas, number: int, *, share_y: bool = False, beside: float = 0) -> list[Axes]:
    """Panels of one width, and a last one of the share `beside` of it."""
    widths = [1.0] * number + [beside] * (beside > 0)
    return list(canvas.subplots(1, len(widths), squeeze=False, sharey=share_y, width_ratios=widths)[0])


def metric_label(metric: str) -> str:
    """What stands at an axis of scores."""
    return display_names.of_metric(metric) + (" (less is better)" if display_names.less_is_better(metric) else "")


def legend_below(canvas: Canvas, axes: Axes) -> None:
    """The legend below the panels, where it covers nothing; one entry for marks of one label."""
    handles, labels = axes.get_legend_handles_labels()
    shown = dict(zip(labels, handles, strict=True))
    longest = max(map(len, shown), default=1)
    columns = max(1, min(len(shown), int(canvas.get_figwidth() / (0.5 + 0.075 * longest))))
    legend = 0.19 * -(-len(shown) // columns) + 0.08
    height = canvas.get_figheight() + legend
    canvas.set_figheight(height)
    canvas.set_layout_engine("constrained", rect=(0, legend / height, 1, 1 - legend / height))
    drawn = canvas.legend(
        shown.values(), shown.keys(), loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=columns, fontsize=8
    )
    for text in drawn.get_texts():
        text.set_parse_math(False)  # the words of an initialisation are anybody's


def draw_interval(axes: Axes, scores: Sequence[tuple[float, Estimate]], colour: str, *, across: bool = False) -> None:
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
