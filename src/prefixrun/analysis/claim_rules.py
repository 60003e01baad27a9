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
from prefixrun.analysis.groups import RunGroup, have_one_signature
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
class Arm:
    """Which run groups stand on one arm of a comparison."""

    method: str
    share: float | None = None
    """Stored parameters in per cent of the model's, within a factor of 3."""
    init: str | None = None
    """`words` or `random`; None takes any, words first."""

    def select_group(self, comparable: Sequence[RunGroup], length: int | None = None) -> RunGroup | None:
        """The first of those in `order_of_preference`; None when the group has none of this arm."""
        return next(iter(self.order_of_preference(comparable, length)), None)

    def order_of_preference(self, comparable: Sequence[RunGroup], length: int | None = None) -> list[RunGroup]:
        """Starts as the task does by itself first, then the most runs, words before random, the length nearest `length`
        (that of the paper's table for the task), the lowest loss on development pairs; never by the score."""
        found = [group for group in comparable if self._has(group)]
        return sorted(found, key=lambda group: _preference(group, length), reverse=True)

    def _has(self, group: RunGroup) -> bool:
        if group.first.method != self.method or (self.init and group.first.result["init"] != self.init):
            return False
        return self.share is None or (group.share > 0 and abs(log(group.share / self.share)) < SAME_SHARE)


def _preference(group: RunGroup, length: int | None) -> tuple[bool, int, bool, float, float]:
    wanted = length or usual_length(group.first.scored_as)
    distance = abs(log((group.first.prefix_len or wanted) / wanted))
    not_random = group.first.result["init"] != "random"
    return group.has_own_words, len(group.runs), not_random, -distance, -group.loss_to_choose_by


@cache
def usual_length(task: str) -> int:
    """Length of the prefix in the paper's table for a task; 10 for one that the paper does not have."""
    rows = paper_numbers.rows(task, contents=("table_to_text", "summarisation", "extrapolation"))
    printed = [row.prefix_len for row in rows if row.method == "prefix" and row.version == "ACL"]
    return next((length for length in printed if length is not None), USUAL_LENGTH)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The first arm against the second, on every task, model and amount of data that has both."""

    first: Arm
    second: Arm
    kind: Kind
    metrics: tuple[str, ...] = ()
    """Empty: the first main metric of the task."""
    amount: Amount = "most"
    """`low`: each size up to 500 pairs; `most`: the most pairs with both arms, in each number format; `share`: each
    part of the data that was seen whole; `all`: the whole data, seen whole."""
    tasks: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    at_least: float = 0.0
    """For `share`: larger shares of the data than this."""

    def __call__(self, groups: Sequence[RunGroup]) -> Iterator[Evidence]:
        """One piece of evidence for each pair of run groups and metric."""
        for first, second in self._pairs(groups):
            for metric in (
                self.metrics or display_names.main_metrics(first.first.scored_as, first.first.result["scores"])[:1]
            ):
                yield _compared(first, second, metric, self.kind)

    def _pair(self, comparable: Sequence[RunGroup]) -> tuple[RunGroup, RunGroup] | None:
        """Sides of one method differ in their start alone, others in what belongs to the method; the second is as long
        as the first where it can be."""
        for first in self.first.order_of_preference(comparable):
            alike = [group for group in comparable if group is not first]
            if self.first.method == self.second.method:
                alike = [group for group in alike if group.settings_except(*START) == first.settings_except(*START)]
            if second := self.second.select_group(alike, first.first.prefix_len):
                return first, second
        return None

    def _pairs(self, groups: Sequence[RunGroup]) -> list[tuple[RunGroup, RunGroup]]:
        by_key: dict[tuple[object, ...], list[RunGroup]] = {}
        for group in groups:
            if self._concerns(group):
                by_key.setdefault((*group.comparison_key, group.training), []).append(group)
        pairs = [pair for comparable in by_key.values() if (pair := self._pair(comparable))]
        if self.amount != "most":
            return pairs
        most: dict[tuple[object, ...], tuple[RunGroup, RunGroup]] = {}
        for pair in pairs:
            key = (*pair[0].comparison_key, pair[0].precision)
            if key not in most or pair[0].training > most[key][0].training:
                most[key] = pair
        return list(most.values())

    def _concerns(self, group: RunGroup) -> bool:
        available = group.first.result.get("n_train_available") or group.n_train
        fits = {
            "low": group.n_train <= LOW_DATA,
            "most": group.n_train > LOW_DATA and group.first.split == "test",
            "share": group.seen == group.n_train > self.at_least * available,
            "all": group.first.is_of_all_pairs,
        }[self.amount]
        known = not self.tasks or group.first.task in self.tasks
        return fits and known and (not self.models or group.first.model in self.models)


Rule = Callable[[Sequence[RunGroup]], Iterable[Evidence]]


def outcome_of(evidence: Sequence[Sequence[Evidence]]) -> Outcome:
    """One outcome for a claim from the evidence of each of its rules, see the head of this file."""
    outcomes = {each.outcome for of_rule in evidence for each in of_rule}
    if not outcomes:
        return "no runs"
    if "does not hold" in outcomes:
        return "does not hold"
    return "holds" if outcomes == {"holds"} and all(evidence) else "undecided"


def where(group: RunGroup) -> str:
    """`E2E, SmolLM2-135M, 500 pairs`; see Point.amount."""
    return f"{_task_and_model(group)}, {group.amount}"


def _task_and_model(group: RunGroup) -> str:
    split = "" if group.first.split == "test" else f" ({group.first.split} part)"
    return f"{display_names.of_task(group.first.task)}{split}, {display_names.of_model(group.first.model)}"


def runs_of(*groups: RunGroup) -> tuple[str, ...]:
    """The ids of all runs of run groups."""
    return tuple(run.run_id for group in groups for run in group.runs)


def low_data_mean(groups: Sequence[RunGroup]) -> Iterator[Evidence]:
    """Prefix-tuning minus fine-tuning averaged over the small sizes, one number for each seed and subsample.

    From words, as the paper's low-data runs start.
    """
    by_key: dict[tuple[object, ...], list[RunGroup]] = {}
    for group in groups:
        if group.n_train <= LOW_DATA:
            by_key.setdefault((*group.comparison_key, group.precision), []).append(group)
    for comparable in by_key.values():
        sizes = sorted({group.n_train for group in comparable})
        pairs = [
            (first, second)
            for size in sizes
            if (
                first := Arm("prefix", init="words").select_group([each for each in comparable if each.n_train == size])
            )
            and (second := Arm("finetune").select_group([each for each in comparable if each.n_train == size]))
        ]
        if len(pairs) > 1:
            yield from _averaged(pairs)


def _averaged(pairs: Sequence[tuple[RunGroup, RunGroup]]) -> Iterator[Evidence]:
    first = pairs[0][0]
    metric = display_names.main_metrics(first.first.scored_as, first.first.result["scores"])[0]
    by_pair = [(_by_seed(one, metric), _by_seed(other, metric)) for one, other in pairs]
    shared = sorted(set.intersection(*(set(one) & set(other) for one, other in by_pair)))
    if not shared:
        return
    everyone = [group for pair in pairs for group in pair]
    values = [sum(one[key] - other[key] for one, other in by_pair) / len(by_pair) for key in shared]
    mean = estimate(values, [subsample for subsample, _ in shared])
    sizes = ", ".join(f"{one.n_train:,}" for one, _ in pairs)
    number_format = "" if first.precision == "fp32" else f", {first.precision}"
    text = (
        f"{_task_and_model(first)}, mean over {sizes} pairs{number_format}: "
        f"{display_names.of_metric(metric)} of prefix-tuning from words minus fine-tuning {interval_text(mean, 1)}, "
        f"{count_text(mean)} (over seeds and subsamples, for these inputs)"
    )
    decides = mean.draws >= ENOUGH and have_one_signature(everyone, metric)
    outcome = _outcome(mean.low, mean.high, "more", 0.0) if decides else "undecided"
    yield Evidence(outcome, text, runs_of(*everyone))


def count_text(found: Estimate) -> str:
    """`n = 4`, or `n = 4 of 2 subsamples` where these are what is independent."""
    return f"n = {found.n}" + ("" if found.draws == found.n else f" of {found.draws} subsamples")


def interval_text(found: Estimate, decimals: int) -> str:
    """`+2.3 [−0.1, +4.7]`, or the mean alone."""
    ends = "" if found.low is None else f" [{found.low:+.{decimals}f}, {found.high:+.{decimals}f}]"
    return f"{found.mean:+.{decimals}f}{ends}".replace("-", "−")


def _by_seed(group: RunGroup, metric: str) -> dict[tuple[int, int], float]:
    return {(run.subsample_seed, run.seed): value for run in group.runs if (value := run.value(metric)) is not None}


def _compared(first: RunGroup, second: RunGroup, metric: str, kind: Kind) -> Evidence:
    found = difference(second.runs, first.runs, metric)
    if found is None:
        text = f"{where(first)}: {display_names.of_metric(metric)} has no value in these runs"
        return Evidence("undecided", text, runs_of(first, second))
    low, high = ends(found)
    if display_names.less_is_better(metric) and low is not None and high is not None:
        low, high = -high, -low
    outcome = _outcome(low, high, kind, margin(first.first.scored_as, metric))
    text = _text(first, second, metric, found)
    if not have_one_signature((first, second), metric):
        outcome, text = "undecided", f"{text}; the scores have different signatures"
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


def _text(first: RunGroup, second: RunGroup, metric: str, found: Difference) -> str:
    decimals = 1 if margin(first.first.scored_as, metric) >= 0.1 or metric == "SLOT_ERROR" else 3
    arms = f"{_arm(first)} minus {_arm(second)}"
    note = f" ({found.note})" if found.note else ""
    number = interval_text(found, decimals)
    return f"{where(first)}: {display_names.of_metric(metric)} of {arms} {number}, {count_text(found)}{note}"


def _arm(group: RunGroup) -> str:
    size = f" {group.share:.2g} %" if spec_of(group.first.method).compared_by_share else ""
    start = f" from {group.init}" if group.init else ""
    length = f", length {group.first.prefix_len}" if group.first.prefix_len is not None else ""
    return f"{display_names.of_method(group.first.method)}{size} ({(start + length).strip(' ,')})".replace(" ()", "")
