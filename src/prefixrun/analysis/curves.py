"""What the figures show: which run groups form a curve, a column of starts or a cloud. The drawing is in plots.py.

Every figure is of one task, split, corpus, set of inputs, model and number format. Run groups of one curve with the
same x differ in settings that the curve does not name. `select_group` decides which of them is shown; the caption
counts the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from prefixrun.analysis.comparison import ENOUGH
from prefixrun.analysis.groups import RunGroup, check_signatures, select_group
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
    points: tuple[tuple[float, RunGroup], ...]


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
    """How the run groups of one kind of curve are told from others."""

    kind: Kind
    title: str
    x_label: str
    belongs: Callable[[RunGroup], bool]
    x: Callable[[RunGroup], float]
    apart: Callable[[RunGroup], tuple[object, ...]]
    """What makes a curve of its own."""
    figure_of: Callable[[RunGroup], tuple[object, ...]]
    """What makes a figure of its own, beside the scope and the model."""


_PLANS = (
    _Plan(
        "low_data",
        "Low data",
        "training pairs",
        lambda group: group.first.settings.get("train_size") is not None,
        lambda group: float(group.n_train),
        lambda group: (group.first.method, _size(group), group.init),
        lambda group: (group.precision,),
    ),
    _Plan(
        "prefix_length",
        "Prefix length",
        "prefix length (positions)",
        lambda group: spec_of(group.first.method).stores_prefix and group.first.prefix_len is not None,
        lambda group: float(group.first.prefix_len or 0),
        lambda group: group.settings_except("prefix_len"),
        lambda group: group.training,
    ),
    _Plan(
        "data_fraction",
        "Share of the training data",
        "training data (%)",
        lambda group: group.first.settings.get("train_size") is None and group.seen == group.n_train,
        lambda group: 100.0 * float(group.first.settings.get("data_fraction", 1.0)),
        lambda group: (group.first.method, _size(group), group.init),
        lambda group: (group.precision, group.first.settings.get("train.max_steps")),
    ),
)


def figures(groups: Sequence[RunGroup]) -> list[Figure]:
    """Every figure that the run groups make. Raises DataError for scores made in different ways."""
    by_key: dict[tuple[object, ...], list[RunGroup]] = {}
    for group in groups:
        by_key.setdefault(group.comparison_key, []).append(group)
    return _with_own_names(
        [
            figure
            for comparable in by_key.values()
            for figure in (*_curves(comparable), *_starts(comparable), *_clouds(comparable))
        ]
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


def _curves(comparable: Sequence[RunGroup]) -> Iterator[Figure]:
    for plan in _PLANS:
        for members in _split(filter(plan.belongs, comparable), plan.figure_of):
            curves, hidden = [], 0
            for alike in _split(members, plan.apart):
                places = _places(alike, plan.x)
                if len(places) >= FEWEST:
                    hidden += len(alike) - len(places)
                    curves.append(_curve(alike[0], places))
            if curves:
                yield _figure(plan.kind, plan.title, plan.x_label, _told_apart(curves), hidden)


def _starts(comparable: Sequence[RunGroup]) -> Iterator[Figure]:
    """Starts of prefix-tuning at equal data."""
    members = [group for group in comparable if group.first.method == "prefix" and group.init is not None]
    for of_size in _split(members, lambda group: group.settings_except("init.", "init_words", "prefix_len")):
        alike = list(_split(of_size, lambda group: (group.init,)))
        if len(alike) < FEWEST_MARKS:
            continue
        own = {"words": "the task's words"}
        chosen = [(own.get(str(each[0].init), str(each[0].init)), select_group(each)) for each in alike]
        chosen.sort(key=lambda start: (start[0] != "random", start[0]))
        curves = [
            Curve(label, "prefix", label == "random", ((float(i), group),)) for i, (label, group) in enumerate(chosen)
        ]
        yield _figure("initialisation", "Initialisation", "", curves, len(of_size) - len(chosen))


def _clouds(comparable: Sequence[RunGroup]) -> Iterator[Figure]:
    """Score against what it costs, one mark a run group, with the most training pairs there are."""
    most = max(group.n_train for group in comparable)
    for members in _split((group for group in comparable if group.n_train == most), lambda group: group.training):
        methods = _split(members, lambda group: (group.first.method, _size(group), group.init, group.first.prefix_len))
        chosen = [select_group(alike) for alike in methods]
        if len({group.first.method for group in chosen}) >= FEWEST_MARKS:
            curves = _told_apart([_curve(group, ((float(group.parameters("stored")), group),)) for group in chosen])
            yield _figure("pareto", "What a score costs", "", curves, len(members) - len(chosen))


def _split(members: Iterable[RunGroup], key: Callable[[RunGroup], tuple[object, ...]]) -> list[list[RunGroup]]:
    by_key: dict[tuple[object, ...], list[RunGroup]] = {}
    for group in members:
        by_key.setdefault(key(group), []).append(group)
    return list(by_key.values())


def _places(alike: Sequence[RunGroup], x: Callable[[RunGroup], float]) -> tuple[tuple[float, RunGroup], ...]:
    at: dict[float, list[RunGroup]] = {}
    for group in alike:
        at.setdefault(x(group), []).append(group)
    return tuple((place, select_group(at[place])) for place in sorted(at))


def _size(group: RunGroup) -> str:
    return f"{group.share:.2g} %" if spec_of(group.first.method).compared_by_share else ""


def _curve(group: RunGroup, places: tuple[tuple[float, RunGroup], ...]) -> Curve:
    label = " ".join(part for part in (display_names.of_method(group.first.method), _size(group)) if part)
    return Curve(label, group.first.method, group.first.result["init"] == "random", places)


def _told_apart(curves: Sequence[Curve]) -> list[Curve]:
    """Curves of one label also say their start, their length and their rate, as far as it takes to tell them apart."""
    details: tuple[Callable[[RunGroup], str], ...] = (
        lambda group: group.init or "",
        lambda group: f"length {group.first.prefix_len}",
        lambda group: f"rate {group.first.settings.get('train.lr')}",
    )
    for detail in details:
        labels = [curve.label for curve in curves]
        curves = [
            Curve(f"{curve.label}, {detail(curve.points[0][1])}", curve.method, curve.dashed, curve.points)
            if labels.count(curve.label) > 1
            else curve
            for curve in curves
        ]
    return list(curves)


def _figure(kind: Kind, title: str, x_label: str, curves: Sequence[Curve], hidden: int) -> Figure:
    shown = [group for curve in curves for _, group in curve.points]
    first = shown[0].first
    metrics = display_names.main_metrics(first.scored_as, first.result["scores"])
    metrics = tuple(metric for metric in metrics if any(group.values(metric) for group in shown))
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


def _caption(kind: Kind, shown: Sequence[RunGroup], hidden: int) -> str:
    counts = sorted({len(group.runs) for group in shown})
    n = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    result = shown[0].first.result
    metric = display_names.main_metrics(shown[0].first.scored_as, result["scores"])[0]
    draws = max((found.draws for group in shown if (found := group.estimate(metric))), default=0)
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
