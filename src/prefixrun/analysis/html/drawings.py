"""The figures that the run groups at hand make, as elements of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from prefixrun.analysis.curves import Figure, figures
from prefixrun.analysis.drawn import published
from prefixrun.analysis.groups import RunGroup
from prefixrun.analysis.html.figures import inline
from prefixrun.analysis.plots import draw_svg
from prefixrun.errors import DataError


@dataclass(frozen=True, slots=True)
class Drawn:
    """One figure of the page."""

    title: str
    caption: str
    svg: Markup


def drawings(groups: Sequence[RunGroup], directory: Path) -> tuple[tuple[Drawn, ...], str]:
    """All figures, those that are published in `directory` as they are there.

    Without figures, the reason: scores that were made in different ways share no axis.
    """
    try:
        made = figures(groups)
    except DataError as error:
        return (), str(error)
    return tuple(Drawn(each.title, each.caption, _element(each, directory)) for each in made), ""


def _element(figure: Figure, directory: Path) -> Markup:
    svg = published(directory, figure) or draw_svg(figure)
    return Markup(inline(svg, figure.name, figure.title))  # noqa: S704 - lets through nothing that acts on the page
