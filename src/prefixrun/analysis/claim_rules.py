"""How runs speak to a claim: pieces of evidence, each with its outcome, numbers and runs.

A claim holds when every rule has evidence and every piece of it says so, does not hold when one piece contradicts it,
and is undecided otherwise. Intervals are of 95 % each, over seeds and inputs (comparison.py), and not corrected for the
number of claims. From fewer than three independent runs (subsamples, where there are several) nothing is decided; their
interval stands there all the same. Sides of one comparison share data, model, decoding and amount of training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import log
from typing import Literal

from prefixrun.analysis import paper_numbers
from prefixrun.analysis.comparability import SAME_SHARE
from prefixrun.analysis.comparison import ENOUGH, Difference, Estimate, difference, estimate
from prefixrun.analysis.equivalence import margin
from prefixrun.analysis.groups import Point, made_in_one_way
from prefixrun.config.method_specs import spec_of
from prefixrun.results import display_names

Outcome = Literal["holds", "does not hold", "undecided", "no runs", "not computed"]
Kind = Literal["more", "clearly more", "not less", "same"]
Amount = Literal["low", "most", "share", "all"]

USUAL_LENGTH = 10
"""Where the paper's tuning starts (section 5.3)."""

START = ("init.", "init_words")
"""Settings of a prefix's start."""

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

    def choose(self, group: Sequence[Point], length: int | None = None) -> Point | None:
        """The first of those that `rank` puts in order; None when the group has none of this side."""
        return next(iter(self.rank(group, length)), None)

    def rank(self, group: Sequence[Point], length: int | None = None) -> list[Point]:
        """Starts as the task does by itself first, then the most runs, words before random, the length nearest `length`
        (that of the paper's table for the task), the lowest loss on development pairs; never by the score."""
        found = [point for point in group if self._has(point)]
        return sorted(found, key=lambda point: _preference(point, length), reverse=True)

    def _has(self, point: Point) -> bool:
        if point.first.method != self.method or (self.init and point.first.result["init"] != self.init):
            return False
        return self.share is None or (point.share > 0 and abs(log(point.share / self.share)) < SAME_SHARE)


def _preference(point: Point, length: int | None) -> tuple[bool, int, bool, float, float]:
    wanted = length or usual_length(point.first.scored_as)
    distance = abs(log((point.first.prefix_len or wanted) / wanted))
    not_random = point.first.result["init"] != "random"
    return point.has_own_words, len(point.runs), not_random, -distance, -point.loss_to_choose_by


@cache
def usual_length(task: str) -> int:
    """Length of the prefix in the paper's table for a task; 10 for one that the paper does not have."""
    rows = paper_numbers.rows(task, contents=("table_to_text", "summarisation", "extrapolation"))
    printed = [row.prefix_len for row in rows if row.method == "prefix" and row.version == "ACL"]
    return next((length for length in printed if length is not None), USUAL_LENGTH)


@dataclass(frozen=True, slots=True)
class Contrast:
    """The first side against the second, on every task, model and amount of data that has both."""

    first: Side
    second: Side
    kind: Kind
    metrics: tuple[str, ...] = ()
    """Empty: the first main metric of the task."""
    amount: Amount = "most"
    """`low`: each size up to 500 pairs; `most`: the most pairs with both sides, in each number format; `share`: each
    part of the data that was seen whole; `all`: the whole data, seen whole."""
    tasks: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    at_least: float = 0.0
    """For `share`: larger shares of the data than this."""

    def __call__(self, found: Sequence[Point]) -> Iterator[Evidence]:
        """One piece of evidence for each pair of points and metric."""
        for first, second in self._pairs(found):
            for metric in (
                self.metrics or display_names.main_metrics(first.first.scored_as, first.first.result["scores"])[:1]
            ):
                yield _contrasted(first, second, metric, self.kind)

    def _pair(self, group: Sequence[Point]) -> tuple[Point, Point] | None:
        """Sides of one method differ in their start alone, others in what belongs to the method; the second is as long
        as the first where it can be."""
        for first in self.first.rank(group):
            alike = [point for point in group if point is not first]
            if self.first.method == self.second.method:
                alike = [point for point in alike if point.apart_from(*START) == first.apart_from(*START)]
            if second := self.second.choose(alike, first.first.prefix_len):
                return first, second
        return None

    def _pairs(self, found: Sequence[Point]) -> list[tuple[Point, Point]]:
        groups: dict[tuple[object, ...], list[Point]] = {}
        for point in found:
            if self._concerns(point):
                groups.setdefault((*point.setting, point.training), []).append(point)
        pairs = [pair for group in groups.values() if (pair := self._pair(group))]
        if self.amount != "most":
            return pairs
        most: dict[tuple[object, ...], tuple[Point, Point]] = {}
        for pair in pairs:
            key = (*pair[0].setting, pair[0].precision)
            if key not in most or pair[0].training > most[key][0].training:
                most[key] = pair
        return list(most.values())

    def _concerns(self, point: Point) -> bool:
        available = point.first.result.get("n_train_available") or point.n_train
        fits = {
            "low": point.n_train <= LOW_DATA,
            "most": point.n_train > LOW_DATA and point.first.split == "test",
            "share": point.seen == point.n_train > self.at_least * available,
            "all": point.first.is_of_all_pairs,
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
    return f"{display_names.of_task(point.first.task)}{split}, {display_names.of_model(point.first.model)}"


def runs_of(*found: Point) -> tuple[str, ...]:
    """The ids of all runs of points."""
    return tuple(run.run_id for point in found for run in point.runs)


def low_data_mean(found: Sequence[Point]) -> Iterator[Evidence]:
    """Prefix-tuning minus fine-tuning averaged over the small sizes, one number for each seed and subsample.

    From words, as the paper's low-data runs start.
    """
    groups: dict[tuple[object, ...], list[Point]] = {}
    for point in found:
        if point.n_train <= LOW_DATA:
            groups.setdefault((*point.setting, point.precision), []).append(point)
    for group in groups.values():
        sizes = sorted({point.n_train for point in group})
        pairs = [
            (first, second)
            for size in sizes
            if (first := Side("prefix", init="words").choose([each for each in group if each.n_train == size]))
            and (second := Side("finetune").choose([each for each in group if each.n_train == size]))
        ]
        if len(pairs) > 1:
            yield from _averaged(pairs)


def _averaged(pairs: Sequence[tuple[Point, Point]]) -> Iterator[Evidence]:
    first = pairs[0][0]
    metric = display_names.main_metrics(first.first.scored_as, first.first.result["scores"])[0]
    by_pair = [(_by_seed(one, metric), _by_seed(other, metric)) for one, other in pairs]
    shared = sorted(set.intersection(*(set(one) & set(other) for one, other in by_pair)))
    if not shared:
        return
    everyone = [point for pair in pairs for point in pair]
    values = [sum(one[key] - other[key] for one, other in by_pair) / len(by_pair) for key in shared]
    mean = estimate(values, [subsample for subsample, _ in shared])
    sizes = ", ".join(f"{one.n_train:,}" for one, _ in pairs)
    number_format = "" if first.precision == "fp32" else f", {first.precision}"
    text = (
        f"{_task_and_model(first)}, mean over {sizes} pairs{number_format}: "
        f"{display_names.of_metric(metric)} of prefix-tuning from words minus fine-tuning {interval_text(mean, 1)}, "
        f"{count_text(mean)} (over seeds and subsamples, for these inputs)"
    )
    decides = mean.draws >= ENOUGH and made_in_one_way(everyone, metric)
    outcome = _outcome(mean.low, mean.high, "more", 0.0) if decides else "undecided"
    yield Evidence(outcome, text, runs_of(*everyone))


def count_text(found: Estimate) -> str:
    """`n = 4`, or `n = 4 of 2 subsamples` where these are what is independent."""
    return f"n = {found.n}" + ("" if found.draws == found.n else f" of {found.draws} subsamples")


def interval_text(found: Estimate, decimals: int) -> str:
    """`+2.3 [−0.1, +4.7]`, or the mean alone."""
    ends = "" if found.low is None else f" [{found.low:+.{decimals}f}, {found.high:+.{decimals}f}]"
    return f"{found.mean:+.{decimals}f}{ends}".replace("-", "−")


def _by_seed(point: Point, metric: str) -> dict[tuple[int, int], float]:
    return {(run.subsample_seed, run.seed): value for run in point.runs if (value := run.value(metric)) is not None}


def _contrasted(first: Point, second: Point, metric: str, kind: Kind) -> Evidence:
    found = difference(second.runs, first.runs, metric)
    if found is None:
        text = f"{where(first)}: {display_names.of_metric(metric)} has no value in these runs"
        return Evidence("undecided", text, runs_of(first, second))
    low, high = ends(found)
    if display_names.less_is_better(metric) and low is not None and high is not None:
        low, high = -high, -low
    outcome = _outcome(low, high, kind, margin(first.first.scored_as, metric))
    text = _text(first, second, metric, found)
    if not made_in_one_way((first, second), metric):
        outcome, text = "undecided", f"{text}; the scores were made in two ways"
    return Evidence(outcome, text, runs_of(first, second))


def ends(found: Difference) -> tuple[float | None, float | None]:
    """The interval that may decide something; none from fewer than three independent runs."""
    return (found.low, found.high) if found.is_of_enough_runs else (None, None)


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
    return f"{where(first)}: {display_names.of_metric(metric)} of {sides} {number}, {count_text(found)}{note}"


def _side(point: Point) -> str:
    size = f" {point.share:.2g} %" if spec_of(point.first.method).compared_by_share else ""
    start = f" from {point.init}" if point.init else ""
    length = f", length {point.first.prefix_len}" if point.first.prefix_len is not None else ""
    return f"{display_names.of_method(point.first.method)}{size} ({(start + length).strip(' ,')})".replace(" ()", "")
