"""Pictures of what runs say about the paper's open questions: every run as a dot, means with intervals over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from prefixrun.analysis.canvas import as_bytes, canvas_of, draw_interval, legend_below, panels_of
from prefixrun.analysis.comparison import estimate
from prefixrun.analysis.drawn import ENDINGS
from prefixrun.config.method_specs import spec_of
from prefixrun.files import canonical_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DRAWING = 2
"""Increases whenever the way of drawing changes, so that pictures drawn before are drawn again."""


@dataclass(frozen=True, slots=True)
class Series:
    """Means that belong together, with the values of the runs behind them."""

    label: str
    method: str
    """Whose colour and mark it has."""
    points: tuple[tuple[int, tuple[float, ...]], ...]
    """Index of a place → its values."""
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """Values at named places: along the horizontal axis, joined by lines, or one below the other as rows."""

    name: str
    """Of its files, without ending."""
    title: str
    caption: str
    places: tuple[str, ...]
    place_label: str
    """Of their axis; empty for rows."""
    panels: tuple[tuple[str, tuple[Series, ...]], ...]
    """Label of the axis of values → what is in the panel."""
    score: str = ""
    """Name of the score that all values are, at whose ends intervals end; empty for losses."""

    @property
    def has_rows(self) -> bool:
        """Whether places stand one below the other."""
        return not self.place_label


def fingerprint(picture: Picture) -> str:
    """SHA-256 of all that it depends on."""
    return sha256(canonical_json({"picture": asdict(picture), "drawing": DRAWING}).encode()).hexdigest()


def draw(picture: Picture) -> dict[str, bytes]:
    """Ending of the file → content."""
    height = 1.2 + 0.24 * len(picture.places) if picture.has_rows else 3.3
    with canvas_of(len(picture.panels), height) as canvas:
        panels = panels_of(canvas, len(picture.panels), share_y=picture.has_rows)
        for axes, (label, series) in zip(panels, picture.panels, strict=True):
            for number, line in enumerate(series):
                aside = 0.0 if picture.has_rows else 0.05 * (number - (len(series) - 1) / 2)
                _series(axes, line, aside, picture)
            places = range(len(picture.places))
            if picture.has_rows:
                axes.set_xlabel(label)
                axes.set_yticks(places, picture.places, parse_math=False)
                axes.set_ylim(len(places) - 0.4, -0.6)
            else:
                axes.set_xlabel(picture.place_label)
                axes.set_ylabel(label)
                axes.set_xticks(places, picture.places, parse_math=False)
        if not picture.has_rows:
            legend_below(canvas, panels[0])
        return {ending: as_bytes(canvas, ending) for ending in ENDINGS}


def _series(axes: Axes, series: Series, aside: float, picture: Picture) -> None:
    """Its runs as dots, its means joined where places stand side by side, and intervals of three runs and more."""
    spec = spec_of(series.method)

    def oriented(at: Sequence[float], values: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
        return (values, at) if picture.has_rows else (at, values)

    means = [(place + aside, estimate(values, score=picture.score)) for place, values in series.points]
    runs = [(place + aside, value) for place, values in series.points if len(values) > 1 for value in values]
    axes.plot(
        *oriented([at for at, _ in means], [mean.mean for _, mean in means]),
        linestyle="none" if picture.has_rows else "--" if series.dashed else "-",
        marker=spec.marker,
        markersize=5.5,
        markerfacecolor="white" if series.dashed else spec.colour,
        color=spec.colour,
        linewidth=1.4,
        label=series.label,
        zorder=3,
    )
    axes.plot(
        *oriented([at for at, _ in runs], [value for _, value in runs]),
        "o",
        color=spec.colour,
        markersize=2.6,
        alpha=0.6,
        markeredgewidth=0,
    )
    draw_interval(axes, means, spec.colour, across=picture.has_rows)
