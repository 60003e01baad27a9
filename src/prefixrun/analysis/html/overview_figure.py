"""The figure of the first section: the methods of one task, best first, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

from prefixrun.analysis.canvas import as_svg, canvas_of
from prefixrun.analysis.comparison import difference
from prefixrun.analysis.html.figures import PageFigure
from prefixrun.analysis.html.overview import Outcome
from prefixrun.analysis.table_format import with_interval
from prefixrun.config.method_specs import spec_of
from prefixrun.results import display_names

FEWEST = 2
"""Methods that can be compared."""


def overview_figure(outcomes: Sequence[Outcome]) -> PageFigure | None:
    """The task with the most methods; None where no task has two."""
    most = max(outcomes, key=lambda outcome: len(outcome.methods), default=None)
    if most is None or len(most.methods) < FEWEST:
        return None
    with canvas_of(1, 0.6 + 0.26 * len(most.methods), width=4.4) as canvas:
        axes = canvas.subplots()
        for position, scored in enumerate(reversed(most.methods)):
            spec, mean = spec_of(scored.method), scored.mean
            if scored.low is not None and scored.high is not None:
                ends = [[mean - scored.low], [scored.high - mean]]
                axes.errorbar([mean], [position], xerr=ends, fmt="none", ecolor=spec.colour, elinewidth=1.2, capsize=3)
            axes.plot([mean], [position], spec.marker, color=spec.colour, markersize=7)
            axes.annotate(scored.text, (1.01, position), xycoords=("axes fraction", "data"), va="center", fontsize=8.5)
        names = [display_names.of_method(scored.method) for scored in reversed(most.methods)]
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.set_xlabel(most.metric)
        svg = as_svg(canvas)
    title = f"{most.task}: {most.metric} of each method, {most.circumstances}"
    return PageFigure(title, _caption(most), svg)


def _caption(outcome: Outcome) -> str:
    """Who leads, and by how much, with the interval of that difference: intervals of two scores may overlap although
    the difference over the same inputs is clear."""
    first, second = outcome.methods[:2]
    text = (
        f"{display_names.of_method(first.method)} leads with {first.text}, then "
        f"{display_names.of_method(second.method)} with {second.text}"
    )
    if first.mean == second.mean:
        text = f"{display_names.of_method(first.method)} and {display_names.of_method(second.method)}: {first.text}"
    measured = difference(second.group.runs, first.group.runs, outcome.name)
    between = ""
    if measured is not None and measured.low is not None:
        decimals = len(first.text.partition(".")[2])
        note = f" ({measured.note})" if measured.note else ""
        between = f"; the difference is {with_interval(measured, decimals)}, 95 % interval{note}"
    return f"{text[0].upper()}{text[1:]}{between}."
