"""What the figures show: which run groups form a curve, a column of initialisations or a cloud; plots.py draws them.

Every figure is of one task, split, corpus, set of inputs, model and precision. Run groups of one curve with the
same x differ in settings that the curve does not name: the one of the lowest development loss is shown (arms.py), and
the caption counts the others. What a caption says is in captions.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from prefixrun.analysis.arms import Arm, choose
from prefixrun.analysis.captions import caption
from prefixrun.analysis.comparability import check_signatures
from prefixrun.analysis.figure_types import Curve, Figure, Kind
from prefixrun.analysis.group_labels import amount_text, share_text
from prefixrun.analysis.groups import RunGroup, runs_of, split_by
from prefixrun.analysis.paper_marks import paper_marks
from prefixrun.config.method_specs import spec_of
from prefixrun.results import display_names
from prefixrun.runs.result_schema import SAMPLE

FEWEST = 2
"""Fewer points make no curve."""

FEWEST_MARKS = 3


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which run groups a kind of figure shows, and how they are split into figures and curves."""

    kind: Kind
    title: str
    x_label: str
    includes: Callable[[RunGroup], bool]
    x: Callable[[RunGroup], float]
    curve_key: Callable[[RunGroup], tuple[object, ...]]
    """Equal for the run groups of one curve."""
    figure_key: Callable[[RunGroup], tuple[object, ...]]
    """Equal for the curves of one figure, beside the comparison key."""


_PLANS = (
    _Plan(
        "low_data",
        "Low data",
        "training pairs",
        lambda group: group.first.settings.get("train_size") is not None,
        lambda group: float(group.n_train),
        lambda group: (group.method, share_text(group), group.init),
        lambda group: (group.precision,),
    ),
    _Plan(
        "prefix_length",
        "Prefix length",
        "prefix length (positions)",
        lambda group: spec_of(group.method).stores_prefix and group.first.prefix_len is not None,
        lambda group: float(group.first.prefix_len or 0),
        lambda group: group.settings_except("prefix_len"),
        lambda group: group.training_amount,
    ),
    _Plan(
        "data_fraction",
        "Share of the training data",
        "training data (%)",
        lambda group: group.first.settings.get("train_size") is None and group.seen == group.n_train,
        lambda group: 100.0 * float(group.first.settings.get("data_fraction", 1.0)),
        lambda group: (group.method, share_text(group), group.init),
        lambda group: (group.precision, group.first.settings.get("train.max_steps")),
    ),
)


def figures(groups: Sequence[RunGroup]) -> list[Figure]:
    """Every figure that the run groups with scores make. Raises DataError for scores with different signatures."""
    made = []
    for alike in split_by(filter(_main_metrics, groups), lambda group: group.comparison_key):
        made += [*_curves(alike), *_initialisations(alike), *_clouds(alike)]
    return _numbered(made)


def _main_metrics(group: RunGroup) -> tuple[str, ...]:
    """The main metrics of a run group's task of which it has a score."""
    return tuple(metric for metric in group.first.main_metrics if group.values(metric))


def _numbered(figures: Sequence[Figure]) -> list[Figure]:
    """Figures of one name get numbers: they differ in what a name does not say."""
    seen: Counter[str] = Counter()
    numbered = []
    for figure in figures:
        seen[figure.name] += 1
        count = seen[figure.name]
        numbered.append(figure if count == 1 else replace(figure, name=f"{figure.name}-{count}"))
    return numbered


def _curves(groups: Sequence[RunGroup]) -> Iterator[Figure]:
    for plan in _PLANS:
        for members in split_by(filter(plan.includes, groups), plan.figure_key):
            curves, hidden = [], 0
            for alike in split_by(members, plan.curve_key):
                by_x = split_by(sorted(alike, key=plan.x), plan.x)
                if len(by_x) >= FEWEST:
                    hidden += len(alike) - len(by_x)
                    curves.append(_curve([(plan.x(same[0]), choose(same).group) for same in by_x], alike[0]))
            if curves:
                yield _figure(plan.kind, plan.title, plan.x_label, _with_different_labels(curves), hidden)


def _initialisations(groups: Sequence[RunGroup]) -> Iterator[Figure]:
    """Initialisations of prefix-tuning with equal data, random first."""
    members = [group for group in groups if group.method == "prefix" and group.init is not None]
    for alike in split_by(members, lambda group: group.settings_except("init.", "init_words", "prefix_len")):
        selected = [choose(same).group for same in split_by(alike, lambda group: group.init)]
        if len(selected) < FEWEST_MARKS:
            continue
        named = [("the task's words" if group.init == "words" else str(group.init), group) for group in selected]
        if len({group.first.prefix_len for group in selected}) > 1:
            named = [(f"{label}, length {group.first.prefix_len}", group) for label, group in named]
        named.sort(key=lambda mark: (mark[1].init != "random", mark[0]))
        curves = [
            Curve(label, "prefix", group.init == "random", ((float(i), group),))
            for i, (label, group) in enumerate(named)
        ]
        yield _figure("initialisation", "Initialisation", "", curves, len(alike) - len(selected))


def _clouds(groups: Sequence[RunGroup]) -> Iterator[Figure]:
    """Score against what it costs, with the most training pairs there are: one mark a method and share of parameters,
    which stands for itself as in the claims (arms.py), so that other lengths and initialisations do not cover it."""
    most = max(group.n_train for group in groups)
    largest = [group for group in groups if group.n_train == most]
    for members in split_by(largest, lambda group: group.training_amount):
        alike = split_by(members, lambda group: (group.method, share_text(group)))
        chosen = (Arm(same[0].method).select_group(same) for same in alike)
        selected = [group for group in chosen if group is not None]
        if len({group.method for group in selected}) >= FEWEST_MARKS:
            curves = _marks([_curve([(float(group.parameters("stored")), group)], group) for group in selected])
            yield _figure("pareto", "What a score costs", "", curves, len(members) - len(selected))


def _curve(points: Sequence[tuple[float, RunGroup]], named_after: RunGroup) -> Curve:
    label = f"{display_names.of_method(named_after.method)} {share_text(named_after)}".rstrip()
    return Curve(label, named_after.method, named_after.first.result["init"] == "random", tuple(points))


def _marks(curves: Sequence[Curve]) -> list[Curve]:
    """Marks of one method share their label; the share of parameters that tells them apart stands beside each."""
    named = [replace(curve, label=display_names.of_method(curve.method)) for curve in curves]
    count = Counter(curve.method for curve in named)
    return [replace(curve, beside=share_text(curve.first) if count[curve.method] > 1 else "") for curve in named]


def _with_different_labels(curves: Sequence[Curve]) -> list[Curve]:
    """Curves of one label also name their initialisation, length and learning rate, until their labels differ."""
    details: tuple[Callable[[RunGroup], str], ...] = (
        lambda group: group.init or "",
        lambda group: f"length {group.first.prefix_len}",
        lambda group: f"lr {group.first.settings.get('train.lr')}",
    )
    for detail in details:
        labels = Counter(curve.label for curve in curves)
        curves = [
            replace(curve, label=f"{curve.label}, {detail(curve.first)}") if labels[curve.label] > 1 else curve
            for curve in curves
        ]
    return list(curves)


def _figure(kind: Kind, title: str, x_label: str, curves: Sequence[Curve], hidden: int) -> Figure:
    shown = [group for curve in curves for _, group in curve.points]
    first = shown[0].first
    metrics = tuple(metric for metric in first.main_metrics if any(group.values(metric) for group in shown))
    check_signatures(runs_of(shown), metrics)
    sample = "sample" if first.result["data_source"] == SAMPLE else ""
    n_train, seen, precision = shown[0].training_amount
    number_format = "" if precision == "fp32" else precision
    amount, size = number_format, ""
    if kind in ("prefix_length", "initialisation", "pareto"):
        amount, size = amount_text(shown[0]), f"{seen}of{n_train}" if seen < n_train else str(n_train)
    n_inputs = first.result["n_inputs"]
    part = "" if first.split == "test" else first.split
    inputs = "" if n_inputs == first.result.get("n_inputs_available") else f"{n_inputs}inputs"
    name = (kind, first.task, part, first.model, sample, size, number_format.replace(", ", "-"), inputs)
    paper = paper_marks(kind, metrics, curves)
    task, model = display_names.of_task(first.task), display_names.of_model(first.model)
    where = (task, model, sample and "sample corpus", amount)
    return Figure(
        kind,
        "-".join(filter(None, name)),
        f"{title}: {', '.join(filter(None, where))}",
        x_label,
        metrics,
        tuple(curves),
        caption(kind, metrics, curves, hidden, paper),
        paper,
    )
