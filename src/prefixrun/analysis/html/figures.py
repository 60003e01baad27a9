"""The figures that the run groups at hand make, as images inside the page.

A picture in an address cannot act on the page, whatever is in it: images run no script and fetch nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from prefixrun.analysis.curves import figures
from prefixrun.analysis.drawn import published
from prefixrun.analysis.groups import RunGroup
from prefixrun.analysis.plots import draw
from prefixrun.errors import DataError


@dataclass(frozen=True, slots=True)
class PageFigure:
    """One figure of the page."""

    title: str
    caption: str
    svg: str

    @property
    def address(self) -> str:
        """The picture as an address that needs no escapes in HTML: ``data:image/svg+xml,…``."""
        return "data:image/svg+xml," + quote(self.svg, safe=" =:/;,.()!?*$@\n")


def page_figures(groups: Sequence[RunGroup], directory: Path) -> tuple[tuple[PageFigure, ...], str]:
    """All figures, those that are published in `directory` as they are there.

    Without figures, the reason: scores with different signatures share no axis.
    """
    try:
        drawn = [
            (figure, published(directory, figure) or draw(figure, ("svg",))["svg"].decode("utf-8"))
            for figure in figures(groups)
        ]
    except DataError as error:
        return (), str(error)
    return tuple(PageFigure(figure.title, figure.caption, svg) for figure, svg in drawn), ""
