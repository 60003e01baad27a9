"""The captions of figures: what to see, of how many runs each mark is, and what is not shown."""

from __future__ import annotations

from collections.abc import Sequence

from prefixrun.analysis.comparison import ENOUGH
from prefixrun.analysis.figure_types import Curve, Kind, PaperMark
from prefixrun.analysis.group_labels import decoding_text, inputs_text
from prefixrun.analysis.groups import RunGroup
from prefixrun.results import display_names

_Point = tuple[str, float, float]
"""Label of its curve, x, mean score."""

MOST_NAMED = 2
"""Curves of an equal score beside the first that a caption names."""


def caption(
    kind: Kind, metrics: Sequence[str], curves: Sequence[Curve], hidden: int, paper: Sequence[PaperMark] = ()
) -> str:
    """What to see in a figure of these curves; `hidden`: points that are not shown; `paper`: its numbers beside them.

    Raises IndexError without curves. Scores are of the first metric.
    """
    shown = [group for curve in curves for _, group in curve.points]
    parts = (
        *(_reading(kind, metrics[0], curves) if metrics else ()),
        _means(kind, metrics, shown),
        f"{inputs_text(shown[0].first)}, {decoding_text(shown[0].first)}.",
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
    best, value = _best(metric, scored)
    worst, least = _best(metric, scored, worst=True)
    if kind == "pareto":
        side = "Down" if display_names.less_is_better(metric) else "Up"
        return [
            f"{side} and to the left is better: more for less.",
            "A mark that would cover another stands aside, with a line to its place.",
            f"{extreme} {name}: {_labels(best)} ({value}).",
        ]
    if kind in ("initialisation", "prefix_length") and value == least:
        return [f"{name} is {value} in all of them."]
    if kind == "initialisation":
        return [f"Best {name}: {_labels(best)} ({value}), worst: {_labels(worst)} ({least})."]
    if kind == "prefix_length":
        return [f"Best {name} at {_lengths(best)} ({value}), worst at {_lengths(worst)} ({least})."]
    unit = " %" if kind == "data_fraction" else " pairs"
    ends = dict.fromkeys((min(x for _, x, _ in scored), max(x for _, x, _ in scored)))
    texts = []
    for end in ends:
        leading, value = _best(metric, [point for point in scored if point[1] == end])
        texts.append(f"at {end:,g}{unit} {_labels(leading)} ({value})")
    return [f"{extreme} {name}: {', '.join(texts)}."]


def _best(metric: str, points: Sequence[_Point], *, worst: bool = False) -> tuple[list[_Point], str]:
    """Every point whose score, as it is written, is the best (or worst) one, and that score."""
    sign = -1 if display_names.less_is_better(metric) != worst else 1
    text = _text(max((point[2] for point in points), key=lambda value: sign * value))
    return [point for point in points if _text(point[2]) == text], text


def _labels(points: Sequence[_Point]) -> str:
    """Few labels by name, of many the first."""
    first, *others = dict.fromkeys(label for label, *_ in points)
    if len(others) > MOST_NAMED:
        return f"{first} and {len(others)} others"
    return _listed([first, *others])


def _lengths(points: Sequence[_Point]) -> str:
    lengths = [f"{x:g}" for x in sorted({x for _, x, _ in points})]
    return f"length{'' if len(lengths) == 1 else 's'} {_listed(lengths)}"


def _listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _text(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= 2 else f"{value:.2f}"


def _means(kind: Kind, metrics: Sequence[str], shown: Sequence[RunGroup]) -> str:
    """Of how many runs each mark is the mean, and what the lines are."""
    means = [mean for group in shown for metric in metrics[:1] if (mean := group.estimate(metric))]
    counts = sorted({mean.n for mean in means} or {len(group.runs) for group in shown})
    if counts[-1] == 1:
        return "Each mark is one run, which says nothing of the spread between seeds."
    n = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    draws = max((mean.draws for mean in means), default=0)
    units = "n" if all(mean.draws == mean.n for mean in means) else "independent runs or subsamples"
    dots = "" if kind == "pareto" else "; small dots: single runs"
    lines = "" if draws < ENOUGH else f"; lines with ends: its 95 % interval for these inputs, where {units} ≥ {ENOUGH}"
    costs = " Times and memory: medians." if kind == "pareto" else ""
    return f"Mean of n = {n} runs (seeds × subsamples){dots}{lines}.{costs}"


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
