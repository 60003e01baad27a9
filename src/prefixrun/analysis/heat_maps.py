"""Pictures of a prefix by position and layer: maps of colours, and changes with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prefixrun.analysis.canvas import as_svg, canvas_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SEQUENTIAL, DIVERGING = "Blues", "PuOr_r"
"""Colour maps, from little to much and from less to more than zero, which is white; readable with any colour vision."""
FEW = 24
"""Ticks that an axis names one by one."""
_PER_ROW, _LEAST = 0.16, 3.2
"""Inches of height for a row, and of a picture."""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """One panel; the first row is at the bottom."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    """By row."""
    scale: str
    """Label of the colour bar."""
    is_diverging: bool = False
    limits: tuple[float, float] | None = None
    """Of the colours, where another panel has the same; else those of the values."""
    is_root: bool = False
    """Whether colours grow with the square root of the values, so that small ones are seen beside large ones."""
    marks: tuple[tuple[bool, ...], ...] = ()
    """Cells with a dot."""
    row_label: str = "layer"
    column_label: str = "position"


@dataclass(frozen=True, slots=True)
class Changes:
    """One panel of values with intervals, in the order of an axis."""

    title: str
    x_label: str
    y_label: str
    labels: tuple[str, ...]
    values: tuple[float, ...]
    half_widths: tuple[float | None, ...]


def heat_maps(panels: Sequence[HeatMap]) -> str:
    """The panels beside each other, as SVG."""
    rows = max(len(panel.rows) for panel in panels)
    with canvas_of(len(panels), max(_LEAST, 1.2 + _PER_ROW * rows)) as canvas:
        for axes, panel in zip(canvas.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            _map(axes, panel)
        return as_svg(canvas)


def changes(panels: Sequence[Changes]) -> str:
    """The panels beside each other, as SVG, on one vertical axis."""
    with canvas_of(len(panels), _LEAST) as canvas:
        for axes, panel in zip(canvas.subplots(1, len(panels), squeeze=False, sharey=True)[0], panels, strict=True):
            _changes(axes, panel)
        return as_svg(canvas)


def _map(axes: Axes, panel: HeatMap) -> None:
    from matplotlib.colors import PowerNorm

    values = [value for row in panel.values for value in row]
    largest = max(map(abs, values))
    low, high = panel.limits or ((-largest, largest) if panel.is_diverging else (min(values), max(values)))
    colours = DIVERGING if panel.is_diverging else SEQUENTIAL
    if low == high:  # a map of one value has no scale
        low, high = low - 0.5, high + 0.5
    norm = PowerNorm(0.5 if panel.is_root else 1.0, low, high)
    image = axes.imshow(panel.values, cmap=colours, norm=norm, origin="lower", aspect="auto")
    for row, marks in enumerate(panel.marks):
        for column, is_marked in enumerate(marks):
            if is_marked:
                is_dark = abs(panel.values[row][column]) > 0.6 * max(abs(low), abs(high))
                axes.plot([column], [row], ".", color="white" if is_dark else "black", markersize=4)
    axes.grid(visible=False)
    axes.set_title(panel.title, fontsize=9)
    _ticks(axes, panel.columns, is_x=True)
    _ticks(axes, panel.rows, is_x=False)
    axes.set_xlabel(panel.column_label)
    axes.set_ylabel(panel.row_label)
    assert axes.figure is not None
    axes.figure.colorbar(image, ax=axes, label=panel.scale, shrink=0.9)


def _changes(axes: Axes, panel: Changes) -> None:
    at = range(len(panel.values))
    axes.axhline(0, color="#555555", linewidth=0.8)
    errors = [half_width or 0.0 for half_width in panel.half_widths]
    axes.errorbar(at, panel.values, yerr=errors, fmt="o", color="#0072B2", markersize=3.5, elinewidth=0.9, capsize=2)
    axes.set_title(panel.title, fontsize=9)
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label)
    _ticks(axes, panel.labels, is_x=True)
    axes.tick_params(labelleft=True)


def _ticks(axes: Axes, labels: Sequence[str], *, is_x: bool) -> None:
    """Every label where there are few, else as many as there is room for."""
    step = -(-len(labels) // FEW)
    at = range(0, len(labels), step)
    shown = [labels[index] for index in at]
    if is_x:
        rotation = 90 if max(map(len, shown)) * len(shown) > FEW else 0
        axes.set_xticks(at, shown, rotation=rotation, fontsize=7.5, parse_math=False)
    else:
        axes.set_yticks(at, shown, fontsize=7.5, parse_math=False)
