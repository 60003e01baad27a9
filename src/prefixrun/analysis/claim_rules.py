"""Evidence for and against a claim: a rule gives pieces of evidence, each with its outcome, its numbers and its runs.

A claim holds when every rule has evidence and every piece of it says so, does not hold when one piece contradicts it,
and is undecided otherwise. Intervals are of 95 % each, over seeds and inputs (comparison.py), and not corrected for the
number of claims. Fewer than three independent runs (subsamples, where there are several) decide nothing, but their
interval is shown. The two arms of a comparison share data, model, decoding and amount of training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import log
from typing import Literal

from prefixrun.analysis import paper_numbers
from prefixrun.analysis.comparability import have_one_signature, is_share
from prefixrun.analysis.comparison import ENOUGH, Difference, Estimate, difference, estimate
from prefixrun.analysis.equivalence import margin
from prefixrun.analysis.group_labels import amount_text, share_text
from prefixrun.analysis.groups import RunGroup, comparable, runs_of, split_by
from prefixrun.results import display_names

Outcome = Literal["holds", "does not hold", "undecided", "no runs", "not computed"]
Kind = Literal["more", "clearly more", "not less", "same"]
Amount = Literal["low", "most", "share", "all"]
Pair = tuple[RunGroup, RunGroup]

USUAL_LENGTH = 10
"""Where the paper's tuning starts (section 5.3)."""

INITIALISATION = ("init.", "init_words")
"""Settings of a prefix's initialisation."""

LOW_DATA = 500
"""The largest of the paper's low-data sizes."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What some runs say about a claim."""

    outcome: Outcome
    text: str
    run_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm of a comparison: which run groups may stand in it."""

    method: str
    share: float | None = None
    """Stored parameters in per cent of the model's, within a factor of 3."""
    init: str | None = None
    """`words` or `random`; None for any."""

    def select_group(self, candidates: Sequence[RunGroup], length: int | None = None) -> RunGroup | None:
        """The most preferred run group; None when no candidate belongs to this arm."""
        return next(iter(self.order_of_preference(candidates, length)), None)

    def order_of_preference(self, candidates: Sequence[RunGroup], length: int | None = None) -> list[RunGroup]:
        """The candidates that belong to this arm, the most preferred first.

        Prefer the task's default initialisation, then most runs, then words before random, then the prefix length
        nearest to `length` (by default the paper's for the task), then the lowest loss on development pairs. The score
        itself never decides.
        """
        members = [group for group in candidates if self._includes(group)]
        return sorted(members, key=lambda group: _preference(group, length), reverse=True)

    def _includes(self, group: RunGroup) -> bool:
        if group.method != self.method or (self.init and group.first.result["init"] != self.init):
            return False
        return self.share is None or is_share(group.share, self.share)


def _preference(group: RunGroup, length: int | None) -> tuple[bool, int, bool, float, float]:
    """Larger for run groups that are preferred; see Arm.order_of_preference."""
    wanted = length or usual_length(group.first.scored_as)
    distance = abs(log((group.first.prefix_len or wanted) / wanted))
    not_random = group.first.result["init"] != "random"
    return group.has_default_init, len(group.runs), not_random, -distance, -group.selection_loss


@cache
def usual_length(task: str) -> int:
    """Length of the prefix in the paper's table for a task; 10 for one that the paper does not have."""
    rows = paper_numbers.rows(task, contents=("table_to_text", "summarisation", "extrapolation"))
    printed = [row.prefix_len for row in rows if row.method == "prefix" and row.version == "ACL"]
    return next((length for length in printed if length is not None), USUAL_LENGTH)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A rule: the first arm against the second, on every task, model and amount of data that has both."""

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
            for metric in self.metrics or (main_metric(first),):
                yield _compare(first, second, metric, self.kind)

    def _pairs(self, groups: Sequence[RunGroup]) -> list[Pair]:
        concerned = [group for group in groups if self._concerns(group)]
        pairs = [pair for alike in comparable(concerned) if (pair := self._pair(alike))]
        if self.amount != "most":
            return pairs
        # Of pairs that differ in the amount of training alone, the one with the most.
        same_but_amount = split_by(pairs, lambda pair: (pair[0].comparison_key, pair[0].precision))
        return [max(alike, key=lambda pair: pair[0].training_amount) for alike in same_but_amount]

    def _pair(self, alike: Sequence[RunGroup]) -> Pair | None:
        """The most preferred run group of the first arm that has a counterpart, and its counterpart.

        Two arms of one method differ in nothing but the initialisation. The counterpart has the same prefix length
        where there is one.
        """
        for first in self.first.order_of_preference(alike):
            others = [group for group in alike if group is not first]
            if self.first.method == self.second.method:
                key = first.settings_except(*INITIALISATION)
                others = [group for group in others if group.settings_except(*INITIALISATION) == key]
            if second := self.second.select_group(others, first.first.prefix_len):
                return first, second
        return None

    def _concerns(self, group: RunGroup) -> bool:
        available = group.first.result.get("n_train_available") or group.n_train
        fits = {
            "low": group.n_train <= LOW_DATA,
            "most": group.n_train > LOW_DATA and group.first.split == "test",
            "share": group.seen == group.n_train > self.at_least * available,
            "all": group.first.is_of_all_pairs,
        }[self.amount]
        is_of_task = not self.tasks or group.first.task in self.tasks
        return fits and is_of_task and (not self.models or group.first.model in self.models)


Rule = Callable[[Sequence[RunGroup]], Iterable[Evidence]]


def outcome_of(evidence: Sequence[Sequence[Evidence]]) -> Outcome:
    """One outcome for a claim from the evidence of each of its rules, see the head of this file."""
    outcomes = {piece.outcome for of_rule in evidence for piece in of_rule}
    if not outcomes:
        return "no runs"
    if "does not hold" in outcomes:
        return "does not hold"
    return "holds" if outcomes == {"holds"} and all(evidence) else "undecided"


def main_metric(group: RunGroup) -> str:
    """The first main metric of a run group's task."""
    return display_names.main_metrics(group.first.scored_as, group.first.result["scores"])[0]


def where(group: RunGroup) -> str:
    """`E2E, SmolLM2-135M, 500 pairs`; see group_labels.amount_text."""
    return f"{_task_and_model(group)}, {amount_text(group)}"


def _task_and_model(group: RunGroup) -> str:
    split = "" if group.first.split == "test" else f" ({group.first.split} part)"
    return f"{display_names.of_task(group.first.task)}{split}, {display_names.of_model(group.first.model)}"


def run_ids(*groups: RunGroup) -> tuple[str, ...]:
    """The ids of all runs of the groups."""
    return tuple(run.run_id for run in runs_of(groups))


def low_data_mean(groups: Sequence[RunGroup]) -> Iterator[Evidence]:
    """A rule: prefix-tuning minus fine-tuning averaged over the small sizes, one number for each seed and subsample.

    Prefixes are initialised from words, as the paper's low-data runs are.
    """
    small = [group for group in groups if group.n_train <= LOW_DATA]
    for alike in split_by(small, lambda group: (group.comparison_key, group.precision)):
        by_size = split_by(sorted(alike, key=lambda group: group.n_train), lambda group: group.n_train)
        pairs = [
            (first, second)
            for of_size in by_size
            if (first := Arm("prefix", init="words").select_group(of_size))
            and (second := Arm("finetune").select_group(of_size))
        ]
        if len(pairs) > 1:
            yield from _averaged(pairs)


def _averaged(pairs: Sequence[Pair]) -> Iterator[Evidence]:
    first = pairs[0][0]
    metric = main_metric(first)
    # A seed and subsample count where all pairs have them: then each gives one mean difference over the sizes.
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
    decides = mean.draws >= ENOUGH and have_one_signature(runs_of(everyone), metric)
    outcome = _outcome(mean.low, mean.high, "more", 0.0) if decides else "undecided"
    yield Evidence(outcome, text, run_ids(*everyone))


def count_text(mean: Estimate) -> str:
    """`n = 4`, or `n = 4 of 2 subsamples` where these are what is independent."""
    return f"n = {mean.n}" + ("" if mean.draws == mean.n else f" of {mean.draws} subsamples")


def interval_text(mean: Estimate, decimals: int) -> str:
    """`+2.3 [−0.1, +4.7]`, or the mean alone."""
    ends = "" if mean.low is None else f" [{mean.low:+.{decimals}f}, {mean.high:+.{decimals}f}]"
    return f"{mean.mean:+.{decimals}f}{ends}".replace("-", "−")


def _by_seed(group: RunGroup, metric: str) -> dict[tuple[int, int], float]:
    return {(run.subsample_seed, run.seed): value for run in group.runs if (value := run.value(metric)) is not None}


def _compare(first: RunGroup, second: RunGroup, metric: str, kind: Kind) -> Evidence:
    measured = difference(second.runs, first.runs, metric)
    if measured is None:
        text = f"{where(first)}: {display_names.of_metric(metric)} has no value in these runs"
        return Evidence("undecided", text, run_ids(first, second))
    low, high = ends(measured)
    if display_names.less_is_better(metric) and low is not None and high is not None:
        low, high = -high, -low
    outcome = _outcome(low, high, kind, margin(first.first.scored_as, metric))
    text = _text(first, second, metric, measured)
    if not have_one_signature(runs_of((first, second)), metric):
        outcome, text = "undecided", f"{text}; the scores have different signatures"
    return Evidence(outcome, text, run_ids(first, second))


def ends(measured: Difference) -> tuple[float | None, float | None]:
    """The interval that may decide something; none from fewer than three independent runs."""
    return (measured.low, measured.high) if measured.is_of_enough_runs else (None, None)


def _outcome(low: float | None, high: float | None, kind: Kind, bound: float) -> Outcome:
    """What an interval of "first minus second", larger being better, says."""
    if low is None or high is None:
        return "undecided"
    if kind == "same":
        is_inside, is_outside = -bound < low and high < bound, low > bound or high < -bound
        return "holds" if is_inside else "does not hold" if is_outside else "undecided"
    threshold = {"more": 0.0, "clearly more": bound, "not less": -bound}[kind]
    return "holds" if low > threshold else "does not hold" if high < threshold else "undecided"


def _text(first: RunGroup, second: RunGroup, metric: str, measured: Difference) -> str:
    decimals = 1 if margin(first.first.scored_as, metric) >= 0.1 or metric == "SLOT_ERROR" else 3
    arms = f"{_arm_text(first)} minus {_arm_text(second)}"
    note = f" ({measured.note})" if measured.note else ""
    number = interval_text(measured, decimals)
    return f"{where(first)}: {display_names.of_metric(metric)} of {arms} {number}, {count_text(measured)}{note}"


def _arm_text(group: RunGroup) -> str:
    """`adapter 0.1 %`, `prefix-tuning (from words, length 5)`."""
    name = f"{display_names.of_method(group.method)} {share_text(group)}".rstrip()
    details = (
        f"from {group.init}" if group.init else "",
        f"length {group.first.prefix_len}" if group.first.prefix_len is not None else "",
    )
    return f"{name} ({', '.join(filter(None, details))})" if any(details) else name
