"""How runs speak to a claim: pieces of evidence, each with its outcome, numbers and runs.

A claim holds when every rule has evidence and every piece of it says so, does not hold when one piece contradicts it,
and is undecided otherwise. Intervals are of 95 % each, over seeds and inputs (comparison.py), and not corrected for the
number of claims.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import log
from typing import Literal

from prefixrun import names
from prefixrun.findings.comparison import Difference, Estimate, difference, estimate
from prefixrun.findings.equivalence import margin
from prefixrun.findings.points import Point
from prefixrun.verdict import SAME_SHARE

Outcome = Literal["holds", "does not hold", "undecided", "no runs", "not computed"]
Kind = Literal["more", "clearly more", "not less", "same"]
Amount = Literal["low", "most", "share"]

USUAL_LENGTH = 10
"""Where the paper's tuning starts (section 5.3)."""

LOW_DATA = 500
"""The largest of the paper's low-data sizes."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What some runs say."""

    outcome: Outcome
    text: str
    run_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """Which points stand on one side of a comparison."""

    method: str
    share: float | None = None
    """Stored parameters in per cent of the model's, within a factor of 3."""
    init: str | None = None
    """`words` or `random`; None takes any, words first."""

    def choose(self, group: Sequence[Point]) -> Point | None:
        """Words before random, the task's own words, the most runs, the length nearest 10, then the lowest loss on
        development pairs; never by the score."""
        return max((point for point in group if self._has(point)), key=_preference, default=None)

    def _has(self, point: Point) -> bool:
        if point.first.method != self.method or (self.init and point.first.result["init"] != self.init):
            return False
        return self.share is None or (point.share > 0 and abs(log(point.share / self.share)) < SAME_SHARE)


def _preference(point: Point) -> tuple[bool, bool, int, int, float]:
    default_words = point.first.settings.get("init_words") is None
    distance = abs((point.first.prefix_len or USUAL_LENGTH) - USUAL_LENGTH)
    return point.first.result["init"] != "random", default_words, len(point.runs), -distance, -point.loss_to_choose_by


@dataclass(frozen=True, slots=True)
class Contrast:
    """The first side against the second, on every task, model and amount of data that has both."""

    first: Side
    second: Side
    kind: Kind
    metrics: tuple[str, ...] = ()
    """Empty: the first main metric of the task."""
    amount: Amount = "most"
    """`low`: each size up to 500 pairs; `most`: the most pairs with both sides; `share`: each part of the data."""
    tasks: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    at_least: float = 0.0
    """Smallest share of the data for `share`."""

    def __call__(self, found: Sequence[Point]) -> Iterator[Evidence]:
        """One piece of evidence for each pair of points and metric."""
        for group in self._groups(found):
            first, second = self.first.choose(group), self.second.choose(group)
            if first is None or second is None or first is second:
                continue
            for metric in self.metrics or names.main_metrics(first.first.scored_as, first.first.result["scores"])[:1]:
                yield from _contrasted(first, second, metric, self.kind)

    def _groups(self, found: Sequence[Point]) -> list[list[Point]]:
        groups: dict[tuple[object, ...], list[Point]] = {}
        for point in found:
            if self._concerns(point):
                groups.setdefault((*point.scope, point.first.model, point.training), []).append(point)
        both = {key: each for key, each in groups.items() if self.first.choose(each) and self.second.choose(each)}
        if self.amount != "most":
            return list(both.values())
        most: dict[tuple[object, ...], list[Point]] = {}
        for key, each in both.items():
            if key[:-1] not in most or each[0].training > most[key[:-1]][0].training:
                most[key[:-1]] = each
        return list(most.values())

    def _concerns(self, point: Point) -> bool:
        settings = point.first.settings
        fits = {
            "low": point.n_train <= LOW_DATA,
            "most": point.n_train > LOW_DATA and point.first.split == "test",
            "share": settings.get("train_size") is None and settings.get("data_fraction", 1.0) > self.at_least,
        }[self.amount]
        known = not self.tasks or point.first.task in self.tasks
        return fits and known and (not self.models or point.first.model in self.models)


Rule = Callable[[Sequence[Point]], Iterable[Evidence]]


def outcome_of(evidence: Sequence[Sequence[Evidence]]) -> Outcome:
    """One outcome for a claim from the evidence of each of its rules, see the head of this file."""
    outcomes = {each.outcome for of_rule in evidence for each in of_rule}
    if not outcomes:
        return "no runs"
    if "does not hold" in outcomes:
        return "does not hold"
    return "holds" if outcomes == {"holds"} and all(evidence) else "undecided"


def where(point: Point) -> str:
    """`E2E, SmolLM2-135M, 500 pairs`; see Point.amount."""
    return f"{_task_and_model(point)}, {point.amount}"


def _task_and_model(point: Point) -> str:
    split = "" if point.first.split == "test" else f" ({point.first.split} part)"
    return f"{names.of_task(point.first.task)}{split}, {names.of_model(point.first.model)}"


def runs_of(*found: Point) -> tuple[str, ...]:
    """The ids of all runs of points."""
    return tuple(run.run_id for point in found for run in point.runs)


def low_data_mean(found: Sequence[Point]) -> Iterator[Evidence]:
    """Prefix-tuning minus fine-tuning averaged over the small sizes, one number for each seed and subsample."""
    groups: dict[tuple[object, ...], list[Point]] = {}
    for point in found:
        if point.n_train <= LOW_DATA:
            groups.setdefault((*point.scope, point.first.model, point.precision), []).append(point)
    for group in groups.values():
        sizes = sorted({point.n_train for point in group})
        pairs = [
            (first, second)
            for size in sizes
            if (first := Side("prefix").choose([each for each in group if each.n_train == size]))
            and (second := Side("finetune").choose([each for each in group if each.n_train == size]))
        ]
        if len(pairs) > 1:
            yield from _averaged(pairs)


def _averaged(pairs: Sequence[tuple[Point, Point]]) -> Iterator[Evidence]:
    first = pairs[0][0]
    metric = names.main_metrics(first.first.scored_as, first.first.result["scores"])[0]
    by_pair = [(_by_seed(one, metric), _by_seed(other, metric)) for one, other in pairs]
    shared = set.intersection(*(set(one) & set(other) for one, other in by_pair))
    if not shared:
        return
    values = [sum(one[key] - other[key] for one, other in by_pair) / len(by_pair) for key in sorted(shared)]
    mean = estimate(values)
    sizes = ", ".join(f"{one.n_train:,}" for one, _ in pairs)
    number_format = "" if first.precision == "fp32" else f", {first.precision}"
    text = (
        f"{_task_and_model(first)}, mean over {sizes} pairs{number_format}: "
        f"{names.of_metric(metric)} of prefix-tuning minus fine-tuning {interval_text(mean, 1)}, "
        f"n = {mean.n} seeds × subsamples"
    )
    yield Evidence(
        _outcome(mean.low, mean.high, "more", 0.0), text, runs_of(*(each for pair in pairs for each in pair))
    )


def interval_text(found: Estimate, decimals: int) -> str:
    """`+2.3 [−0.1, +4.7]`, or the mean alone."""
    ends = "" if found.low is None else f" [{found.low:+.{decimals}f}, {found.high:+.{decimals}f}]"
    return f"{found.mean:+.{decimals}f}{ends}".replace("-", "−")


def _by_seed(point: Point, metric: str) -> dict[tuple[int, int], float]:
    return {(run.subsample_seed, run.seed): value for run in point.runs if (value := run.value(metric)) is not None}


def _contrasted(first: Point, second: Point, metric: str, kind: Kind) -> Iterator[Evidence]:
    found = difference(second.runs, first.runs, metric)
    if found is None:
        text = f"{where(first)}: {names.of_metric(metric)} has no value in these runs"
        yield Evidence("undecided", text, runs_of(first, second))
        return
    low, high = found.low, found.high
    if names.less_is_better(metric) and low is not None and high is not None:
        low, high = -high, -low
    outcome = _outcome(low, high, kind, margin(first.first.scored_as, metric))
    yield Evidence(outcome, _text(first, second, metric, found), runs_of(first, second))


def _outcome(low: float | None, high: float | None, kind: Kind, bound: float) -> Outcome:
    """What an interval of "first minus second", larger being better, says."""
    if low is None or high is None:
        return "undecided"
    if kind == "same":
        return (
            "holds"
            if -bound < low and high < bound
            else "does not hold"
            if low > bound or high < -bound
            else "undecided"
        )
    threshold = {"more": 0.0, "clearly more": bound, "not less": -bound}[kind]
    return "holds" if low > threshold else "does not hold" if high < threshold else "undecided"


def _text(first: Point, second: Point, metric: str, found: Difference) -> str:
    decimals = 1 if margin(first.first.scored_as, metric) >= 0.1 or metric == "SLOT_ERROR" else 3
    sides = f"{_side(first)} minus {_side(second)}"
    note = f" ({found.note})" if found.note else ""
    number = interval_text(found, decimals)
    return f"{where(first)}: {names.of_metric(metric)} of {sides} {number}, n = {found.n}{note}"


def _side(point: Point) -> str:
    size = f" {point.share:.2g} %" if point.first.method in ("adapter", "lora", "finetune_top") else ""
    start = f" from {point.init}" if point.init else ""
    length = f", length {point.first.prefix_len}" if point.first.prefix_len is not None else ""
    return f"{names.of_method(point.first.method)}{size} ({(start + length).strip(' ,')})".replace(" ()", "")
