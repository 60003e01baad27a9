"""What the figures show: which points form a curve, a column of starts or a cloud. The drawing is in plots.py.

Every figure is of one task, split, corpus, set of inputs, model and number format. Two points of a curve at the same
place differ in settings that the curve does not name; then the one with more runs, or else with the lower loss on
development pairs, is shown and the caption counts the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from prefixrun.analysis.comparison import ENOUGH
from prefixrun.analysis.groups import Point, check_signatures, choose
from prefixrun.config.method_specs import spec_of
from prefixrun.results import display_names
from prefixrun.runs.result_schema import SAMPLE

Kind = Literal["low_data", "prefix_length", "data_fraction", "initialisation", "pareto"]

FEWEST = 2
"""Fewer places make no curve."""

FEWEST_MARKS = 3


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of one method, in the order of x."""

    label: str
    method: str
    dashed: bool
    """Set for starts at random, to tell them from starts at words."""
    places: tuple[tuple[float, Point], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with a panel for each metric."""

    kind: Kind
    name: str
    """Of its files, without ending."""
    title: str
    x_label: str
    metrics: tuple[str, ...]
    curves: tuple[Curve, ...]
    """For starts and clouds one curve for each mark."""
    caption: str


@dataclass(frozen=True, slots=True)
class _Plan:
    """How the points of one kind of curve are told from others."""

    kind: Kind
    title: str
    x_label: str
    belongs: Callable[[Point], bool]
    x: Callable[[Point], float]
    apart: Callable[[Point], tuple[object, ...]]
    """What makes a curve of its own."""
    figure_of: Callable[[Point], tuple[object, ...]]
    """What makes a figure of its own, beside the scope and the model."""


_PLANS = (
    _Plan(
        "low_data",
        "Low data",
        "training pairs",
        lambda point: point.first.settings.get("train_size") is not None,
        lambda point: float(point.n_train),
        lambda point: (point.first.method, _size(point), point.init),
        lambda point: (point.precision,),
    ),
    _Plan(
        "prefix_length",
        "Prefix length",
        "prefix length (positions)",
        lambda point: spec_of(point.first.method).stores_prefix and point.first.prefix_len is not None,
        lambda point: float(point.first.prefix_len or 0),
        lambda point: point.apart_from("prefix_len"),
        lambda point: point.training,
    ),
    _Plan(
        "data_fraction",
        "Share of the training data",
        "training data (%)",
        lambda point: point.first.settings.get("train_size") is None and point.seen == point.n_train,
        lambda point: 100.0 * float(point.first.settings.get("data_fraction", 1.0)),
        lambda point: (point.first.method, _size(point), point.init),
        lambda point: (point.precision, point.first.settings.get("train.max_steps")),
    ),
)


def figures(found: Sequence[Point]) -> list[Figure]:
    """Every figure that the points make. Raises DataError for scores made in different ways."""
    groups: dict[tuple[object, ...], list[Point]] = {}
    for point in found:
        groups.setdefault(point.setting, []).append(point)
    return _with_own_names(
        [figure for group in groups.values() for figure in (*_curves(group), *_starts(group), *_clouds(group))]
    )


def _with_own_names(found: Sequence[Figure]) -> list[Figure]:
    """Figures whose names would be the same are numbered: they differ in what a name does not say."""
    seen: Counter[str] = Counter()
    named = []
    for figure in found:
        seen[figure.name] += 1
        count = seen[figure.name]
        named.append(figure if count == 1 else replace(figure, name=f"{figure.name}-{count}"))
    return named


def _curves(group: Sequence[Point]) -> Iterator[Figure]:
    for plan in _PLANS:
        for members in _split(filter(plan.belongs, group), plan.figure_of):
            curves, hidden = [], 0
            for alike in _split(members, plan.apart):
                places = _places(alike, plan.x)
                if len(places) >= FEWEST:
                    hidden += len(alike) - len(places)
                    curves.append(_curve(alike[0], places))
            if curves:
                yield _figure(plan.kind, plan.title, plan.x_label, _told_apart(curves), hidden)


def _starts(group: Sequence[Point]) -> Iterator[Figure]:
    """Starts of prefix-tuning at equal data."""
    members = [point for point in group if point.first.method == "prefix" and point.init is not None]
    for of_size in _split(members, lambda point: point.apart_from("init.", "init_words", "prefix_len")):
        alike = list(_split(of_size, lambda point: (point.init,)))
        if len(alike) < FEWEST_MARKS:
            continue
        own = {"words": "the task's words"}
        chosen = [(own.get(str(each[0].init), str(each[0].init)), choose(each)) for each in alike]
        chosen.sort(key=lambda start: (start[0] != "random", start[0]))
        curves = [
            Curve(label, "prefix", label == "random", ((float(i), point),)) for i, (label, point) in enumerate(chosen)
        ]
        yield _figure("initialisation", "Initialisation", "", curves, len(of_size) - len(chosen))


def _clouds(group: Sequence[Point]) -> Iterator[Figure]:
    """Score against what it costs, one mark a point, with the most training pairs there are."""
    most = max(point.n_train for point in group)
    for members in _split((point for point in group if point.n_train == most), lambda point: point.training):
        methods = _split(members, lambda point: (point.first.method, _size(point), point.init, point.first.prefix_len))
        chosen = [choose(alike) for alike in methods]
        if len({point.first.method for point in chosen}) >= FEWEST_MARKS:
            curves = _told_apart([_curve(point, ((float(point.parameters("stored")), point),)) for point in chosen])
            yield _figure("pareto", "What a score costs", "", curves, len(members) - len(chosen))


def _split(members: Iterable[Point], key: Callable[[Point], tuple[object, ...]]) -> list[list[Point]]:
    groups: dict[tuple[object, ...], list[Point]] = {}
    for point in members:
        groups.setdefault(key(point), []).append(point)
    return list(groups.values())


def _places(alike: Sequence[Point], x: Callable[[Point], float]) -> tuple[tuple[float, Point], ...]:
    at: dict[float, list[Point]] = {}
    for point in alike:
        at.setdefault(x(point), []).append(point)
    return tuple((place, choose(at[place])) for place in sorted(at))


def _size(point: Point) -> str:
    return f"{point.share:.2g} %" if spec_of(point.first.method).compared_by_share else ""


def _curve(point: Point, places: tuple[tuple[float, Point], ...]) -> Curve:
    label = " ".join(part for part in (display_names.of_method(point.first.method), _size(point)) if part)
    return Curve(label, point.first.method, point.first.result["init"] == "random", places)


def _told_apart(curves: Sequence[Curve]) -> list[Curve]:
    """Curves of one label also say their start, their length and their rate, as far as it takes to tell them apart."""
    details: tuple[Callable[[Point], str], ...] = (
        lambda point: point.init or "",
        lambda point: f"length {point.first.prefix_len}",
        lambda point: f"rate {point.first.settings.get('train.lr')}",
    )
    for detail in details:
        labels = [curve.label for curve in curves]
        curves = [
            Curve(f"{curve.label}, {detail(curve.places[0][1])}", curve.method, curve.dashed, curve.places)
            if labels.count(curve.label) > 1
            else curve
            for curve in curves
        ]
    return list(curves)


def _figure(kind: Kind, title: str, x_label: str, curves: Sequence[Curve], hidden: int) -> Figure:
    shown = [point for curve in curves for _, point in curve.places]
    first = shown[0].first
    metrics = display_names.main_metrics(first.scored_as, first.result["scores"])
    metrics = tuple(metric for metric in metrics if any(point.values(metric) for point in shown))
    check_signatures(shown, metrics)
    sample = first.result["data_source"] == SAMPLE
    n_train, seen, precision = shown[0].training
    number_format = "" if precision == "fp32" else precision
    amount, size = number_format, ""
    if kind in ("prefix_length", "initialisation", "pareto"):
        amount, size = shown[0].amount, f"{seen}of{n_train}" if seen < n_train else str(n_train)
    part = "" if first.split == "test" else first.split
    tags = [first.task, part, first.model, "sample" if sample else "", size, number_format]
    tags.append(
        ""
        if first.result["n_inputs"] == first.result.get("n_inputs_available")
        else f"{first.result['n_inputs']}inputs"
    )
    where = [
        display_names.of_task(first.task),
        display_names.of_model(first.model),
        "sample corpus" if sample else "",
        amount,
    ]
    return Figure(
        kind,
        "-".join(part for part in (kind, *tags) if part),
        f"{title}: {', '.join(part for part in where if part)}",
        x_label,
        metrics,
        tuple(curves),
        _caption(kind, shown, hidden),
    )


def _caption(kind: Kind, shown: Sequence[Point], hidden: int) -> str:
    counts = sorted({len(point.runs) for point in shown})
    n = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    result = shown[0].first.result
    metric = display_names.main_metrics(shown[0].first.scored_as, result["scores"])[0]
    draws = max((found.draws for point in shown if (found := point.estimate(metric))), default=0)
    units = "n" if draws == counts[-1] else "independent runs or subsamples"
    bars = "" if draws < ENOUGH else f"; lines with ends: 95 % interval of the mean, where {units} ≥ {ENOUGH}"
    parts = [
        f"Mean of n = {n} runs (seeds × subsamples)",
        "" if kind == "pareto" else "; small dots: single runs",
        bars,
    ]
    parts.append(f". {result['n_inputs']:,} {result['split']} inputs, {shown[0].decoding}.")
    if hidden:
        parts.append(f" {hidden} more points with other settings are not shown.")
    return "".join(parts)
