"""The figures that the points at hand make, as elements of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from prefixrun.curves import figures
from prefixrun.errors import DataError
from prefixrun.plots import draw_svg
from prefixrun.points import Point
from prefixrun.report.figures import inline


@dataclass(frozen=True, slots=True)
class Drawn:
    """One figure of the page."""

    title: str
    caption: str
    svg: Markup


def drawings(found: Sequence[Point]) -> tuple[tuple[Drawn, ...], str]:
    """All figures; without them, the reason: scores that were made in different ways share no axis."""
    try:
        made = figures(found)
    except DataError as error:
        return (), str(error)
    return tuple(
        # inline() lets through nothing that acts on the page
        Drawn(each.title, each.caption, Markup(inline(draw_svg(each), each.name, each.title)))  # noqa: S704
        for each in made
    ), ""
