"""Which pictures are up to date: beside them stands what each was drawn from, as a fingerprint.

Drawing takes most of the time of publishing, and other versions of matplotlib or of its fonts give other bytes for the
same figure. So a figure is drawn anew only when what it shows has changed, or how figures are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from prefixrun.analysis import plots
from prefixrun.analysis.cost_plots import COSTS
from prefixrun.analysis.figure_types import Curve, Figure
from prefixrun.analysis.groups import RunGroup
from prefixrun.analysis.text_table import plain
from prefixrun.errors import DamagedStateError
from prefixrun.files import canonical_json, read_json
from prefixrun.results import display_names

ENDINGS = ("png", "svg")
FILE = "drawn.json"
"""Name of figure → fingerprint."""


def fingerprint(figure: Figure) -> str:
    """SHA-256 of all that a picture depends on: texts, numbers to six digits, and how they are drawn."""
    shown = {
        "texts": [figure.kind, figure.x_label],
        "metrics": [
            [display_names.of_metric(metric), display_names.less_is_better(metric)] for metric in figure.metrics
        ],
        "curves": [_curve(figure, curve) for curve in figure.curves],
        "drawing": plots.DRAWING,
        "paper": [
            [mark.method, mark.model, mark.x, mark.beside, *sorted(mark.values.items())] for mark in figure.paper
        ],
    }
    return sha256(canonical_json(shown).encode("utf-8")).hexdigest()


def fingerprints(directory: Path) -> Mapping[str, str]:
    """Those of the pictures in a directory; a damaged file is as good as none, as it only saves work."""
    try:
        content = read_json(directory / FILE)
    except DamagedStateError:
        return {}
    return content if isinstance(content, dict) else {}


def published(directory: Path, figure: Figure) -> str | None:
    """The SVG of a figure that is up to date; None where there is none, or it shows something else."""
    if fingerprints(directory).get(figure.name) != fingerprint(figure) or not is_there(directory, figure.name):
        return None
    return (directory / f"{figure.name}.svg").read_text(encoding="utf-8")


def is_there(directory: Path, name: str) -> bool:
    """Whether a figure's files are all in a directory."""
    return all((directory / f"{name}.{ending}").is_file() for ending in ENDINGS)


def _curve(figure: Figure, curve: Curve) -> list[Any]:
    texts = [curve.label, curve.method, curve.dashed, curve.beside]
    return [*texts, [[plain(x), _point(figure, group)] for x, group in curve.points]]


def _point(figure: Figure, group: RunGroup) -> list[Any]:
    numbers: list[Any] = []
    for metric in figure.metrics:
        mean = group.estimate(metric)
        numbers.append([plain(value) for value in group.values(metric)])
        numbers.append([mean.n, mean.draws, plain(mean.mean), plain(mean.low), plain(mean.high)] if mean else None)
    if figure.kind == "pareto":
        costs = (group.cost(name) for name, *_ in COSTS if name != "stored")
        numbers.append([group.parameters("stored"), *map(plain, costs)])
    return numbers
