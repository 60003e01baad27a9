"""The captions of figures: what to see, of how many runs each mark is, and what is not shown."""

from __future__ import annotations

from collections.abc import Sequence

from prefixrun.analysis.comparison import ENOUGH
from prefixrun.analysis.figure_types import Curve, Kind, PaperMark
from prefixrun.analysis.group_labels import decoding_text
from prefixrun.analysis.groups import RunGroup
from prefixrun.results import display_names

_Point = tuple[str, float, float]
"""Label of its curve, x, mean score."""


def caption(
    kind: Kind, metrics: Sequence[str], curves: Sequence[Curve], hidden: int, paper: Sequence[PaperMark] = ()
) -> str:
    """What to see in a figure of these curves; `hidden`: points that are not shown; `paper`: its numbers beside them.

    Raises IndexError without curves. Scores are of the first metric.
    """
    shown = [group for curve in curves for _, group in curve.points]
    result = shown[0].first.result
    parts = (
        *(_reading(kind, metrics[0], curves) if metrics else ()),
        _means(kind, metrics, shown),
        f"{result['n_inputs']:,} {result['split']} inputs, {decoding_text(shown[0].first)}.",
        _unshown(hidden),
        _of_the_paper(paper, {group.first.model for group in shown}),
    )
    return " ".join(filter(None, parts))


def _reading(kind: Kind, metric: str, curves: Sequence[Curve]) -> list[str]:
    """The sentences that say what is highest where."""
    scored = [
        (" of ".join(filter(None, (curve.label, curve.beside))), x, score.mean)
        for curve in curves
        for x, group in curve.points
        if (score := group.estimate(metric)) is not None
    ]
    if not scored:
        return []
    name = display_names.of_metric(metric)
    extreme = "Lowest" if display_names.less_is_better(metric) else "Highest"
    if kind == "pareto":
        label, _, value = _best(metric, scored)
        side = "Down" if display_names.less_is_better(metric) else "Up"
        return [
            f"{side} and to the left is better: more for less.",
            "A mark that would cover another stands aside, with a line to its place.",
            f"{extreme} {name}: {label} ({_text(value)}).",
        ]
    if kind == "initialisation":
        (label, _, value), (other, _, least) = _best(metric, scored), _best(metric, scored, worst=True)
        return [f"Best {name}: {label} ({_text(value)}), worst: {other} ({_text(least)})."]
    if kind == "prefix_length":
        (_, x, value), (_, other_x, least) = _best(metric, scored), _best(metric, scored, worst=True)
        return [f"Best {name} at length {x:g} ({_text(value)}), worst at length {other_x:g} ({_text(least)})."]
    unit = " %" if kind == "data_fraction" else " pairs"
    ends = (min(x for _, x, _ in scored), max(x for _, x, _ in scored))
    best = [_best(metric, [point for point in scored if point[1] == end]) for end in ends]
    texts = [f"at {x:,g}{unit} {label} ({_text(value)})" for label, x, value in best]
    return [f"{extreme} {name}: {', '.join(texts)}."]


def _best(metric: str, points: Sequence[_Point], *, worst: bool = False) -> _Point:
    sign = -1 if display_names.less_is_better(metric) != worst else 1
    return max(points, key=lambda point: sign * point[2])


def _text(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= 2 else f"{value:.2f}"


def _means(kind: Kind, metrics: Sequence[str], shown: Sequence[RunGroup]) -> str:
    """Of how many runs each mark is the mean, and what the lines are."""
    counts = sorted({len(group.runs) for group in shown})
    if counts[-1] == 1:
        return "Each mark is one run, which says nothing of the spread between seeds."
    n = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    draws = max(
        (mean.draws for group in shown for metric in metrics[:1] if (mean := group.estimate(metric))), default=0
    )
    units = "n" if draws == counts[-1] else "independent runs or subsamples"
    dots = "" if kind == "pareto" else "; small dots: single runs"
    lines = "" if draws < ENOUGH else f"; lines with ends: its 95 % interval for these inputs, where {units} ≥ {ENOUGH}"
    return f"Mean of n = {n} runs (seeds × subsamples){dots}{lines}."


def _unshown(hidden: int) -> str:
    if not hidden:
        return ""
    others = "one other is" if hidden == 1 else f"{hidden} others are"
    return f"Settings of the lowest development loss; {others} not shown."


def _of_the_paper(marks: Sequence[PaperMark], models: set[str]) -> str:
    """What the paper's numbers can be compared with."""
    if not marks:
        return ""
    which = "Open marks beside “paper”" if marks[0].x is not None else "Open marks at the right"
    text = f"{which}: the paper's numbers for {display_names.of_model(marks[0].model)} with all its training"
    return f"{text}." if models == {marks[0].model} else f"{text}; only the order of methods can be compared."
