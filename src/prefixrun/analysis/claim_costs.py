"""Evidence for the claims that are not about a score between two methods: lengths, times, sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from math import exp, log

from prefixrun.analysis.arms import Arm, choose, parts
from prefixrun.analysis.claim_measurements import step_times
from prefixrun.analysis.claim_rules import (
    LOW_DATA,
    Evidence,
    Match,
    count_text,
    evidence_of,
    interval_text,
    is_of_more_inputs,
    of_one_processor,
    pool_key,
    run_ids,
    units_of,
    where,
)
from prefixrun.analysis.comparison import ENOUGH, difference, estimate, half_width
from prefixrun.analysis.equal_training import training_of
from prefixrun.analysis.equivalence import margin
from prefixrun.analysis.groups import RunGroup, split_by
from prefixrun.analysis.verdicts import LOOK_LEVEL, EvidenceOutcome, judge
from prefixrun.config.method_specs import spec_of
from prefixrun.console import count
from prefixrun.results import display_names

MIDDLE = {"xsum": 200}
TABLES_MIDDLE = 10
"""Where the paper's curves peak (Figure 4): 200 on XSUM, 10 on DART, which stands for the other tables."""

FASTER = 0.85
"""Time per token, as a share of fine-tuning's, below which prefix-tuning counts as faster; the paper says about 0.7."""

SAME_SPEED = 1.15
"""Time per token of the longest prefix, as a share of the shortest's, up to which it costs almost nothing."""

BATCH = ("batch_size", "accumulate", "targets_per_row")
"""Settings of training that a time per token depends on."""

FEWER = 500
"""Times fewer stored numbers than the model has; the paper says 1000."""


def lengths(groups: Sequence[RunGroup]) -> Iterator[Evidence]:
    """Does the score rise from the shortest prefix to a middle length, and stop rising there?

    Each length stands there by its best setting, of those with equal training.
    """
    steps = [*_steps(groups)]
    for match, rises in steps:
        metric = match.first.group.main_metric
        if not any(is_of_more_inputs(other, match, metric) for other, _ in steps):
            yield from _rise(match, metric, rises=rises)


def _steps(groups: Sequence[RunGroup]) -> Iterator[tuple[Match, bool]]:
    """Longer against shorter, and whether a rise is expected between them."""
    prefixes = [group for group in of_one_processor(groups) if group.method == "prefix" and group.n_train > LOW_DATA]
    for alike in split_by(prefixes, lambda group: (*pool_key(group), training_of(group), group.init, *parts(group))):
        of_length = split_by((group for group in alike if group.first.prefix_len), lambda group: group.first.prefix_len)
        chosen = [choose(settings) for settings in of_length]
        with_enough = [choice for choice in chosen if choice.group.units >= ENOUGH]
        counted = with_enough if len(with_enough) >= 3 else chosen
        by_length = {choice.group.first.prefix_len or 0: choice for choice in counted}
        if len(by_length) < 3:
            continue
        peak = MIDDLE.get(alike[0].first.scored_as, TABLES_MIDDLE)
        middle = min(by_length, key=lambda length: (abs(length - peak), length))
        shortest, longest = min(by_length), max(by_length)
        if middle not in (shortest, longest):
            yield Match(by_length[middle], by_length[shortest]), True
            yield Match(by_length[longest], by_length[middle]), False


def _rise(match: Match, metric: str, *, rises: bool) -> Iterator[Evidence]:
    """Whether the score rises from one length to another as it is expected to."""
    sides = match.second.group, match.first.group
    rise = difference(sides[0].runs, sides[1].runs, metric)
    if rise is None:
        return
    bound = 0.0 if rises else margin(sides[0].first.scored_as, metric)
    verdict = judge(rise, "clearly more", bound, *units_of(rise, sides[0]))
    if not rises and verdict.outcome in ("holds", "does not hold"):  # what rises beyond the margin contradicts
        verdict = replace(verdict, outcome="does not hold" if verdict.outcome == "holds" else "holds")
    notes = ("rise expected" if rises else "no rise expected", rise.note)
    text = (
        f"{where(sides[0])}: {display_names.of_metric(metric)} of length {sides[1].first.prefix_len} minus length "
        f"{sides[0].first.prefix_len} {interval_text(rise, 1)}, {count_text(rise)} ({'; '.join(filter(None, notes))})"
    )
    yield evidence_of(verdict, text, match, metric)


def length_speed(groups: Sequence[RunGroup]) -> Iterator[Evidence]:
    """Training time of the longest against the shortest prefix: as measured in rounds of one process, or else of
    runs on one machine, per token."""
    if measured := [*step_times(groups, "prefix 40", "prefix 1", SAME_SPEED, slower_contradicts=True)]:
        yield from measured
        return
    for by_length in (lengths for of_machine in _by_machine(groups) for lengths in _by_length(of_machine)):
        if max(by_length) >= 4 * min(by_length):
            longest, shortest = by_length[max(by_length)], by_length[min(by_length)]
            yield from _speed(longest, shortest, SAME_SPEED, slower_contradicts=True)


def training_speed(groups: Sequence[RunGroup]) -> Iterator[Evidence]:
    """Training time of prefix-tuning against fine-tuning: as measured in rounds of one process, or else of runs on the
    same machine and data, per token."""
    if measured := [*step_times(groups, "prefix 10", "finetune", FASTER, slower_contradicts=False)]:
        yield from measured
        return
    for of_machine in _by_machine(groups):
        for alike in split_by(of_machine, _training_work):
            first, second = Arm("prefix").select_group(alike), Arm("finetune").select_group(alike)
            if first and second:
                yield from _speed(first, second, FASTER, slower_contradicts=False)


def _training_work(group: RunGroup) -> tuple[object, ...]:
    """Equal for run groups whose training times per token may be compared on one machine."""
    sizes = (group.first.settings.get(f"train.{name}") for name in BATCH)
    return (group.comparison_key, group.training_amount, *sizes)


def _by_machine(groups: Iterable[RunGroup]) -> list[list[RunGroup]]:
    """For each machine the run groups with the runs that were made on it."""
    parts = (RunGroup(tuple(runs)) for group in groups for runs in split_by(group.runs, lambda run: run.machine))
    return split_by(parts, lambda group: group.first.machine)


def _speed(first: RunGroup, second: RunGroup, most: float, *, slower_contradicts: bool) -> Iterator[Evidence]:
    """Holds when the first takes at most `most` times the second's time per token, by the interval over three runs or
    more on either side (Welch's, of the logarithms, as a busy machine slows runs by factors)."""
    times = [_log_times(group) for group in (first, second)]
    if not all(times):
        return
    sides = [estimate(of_side) for of_side in times]
    n = min(len(of_side) for of_side in times)
    variances = [side.run_variance or 0.0 for side in sides]
    half = half_width(sum(variances), n - 1, level=LOOK_LEVEL) if n > 1 else 0.0
    middle = sides[0].mean - sides[1].mean
    low, ratio, high = (exp(logarithm) for logarithm in (middle - half, middle, middle + half))
    least = most if slower_contradicts else 1.0
    outcome: EvidenceOutcome = "holds" if high <= most else "does not hold" if low > least else "undecided"
    span = f" [{low:.2f}, {high:.2f}]" if n > 1 else ""
    needs = ""
    if n < ENOUGH:
        outcome = "too few runs"
        needs = f", at least {count(ENOUGH - n, 'more run')} before anything is decided"
    memory = [group.cost("peak_memory_bytes") for group in (first, second)]
    known = [f"{bytes_used / 2**30:.1f}" for bytes_used in memory if bytes_used is not None]
    memory_text = f"; peak memory {' against '.join(known)} GiB" if len(known) == 2 else ""
    arms = " against ".join(map(_method_and_length, (first, second)))
    text = f"{where(first)}: training time per token of {arms}: {ratio:.2f} times{span}, n = {n}{needs}{memory_text}"
    changes = {"holds": f"{most:.2f} times or more", "does not hold": f"{least:.2f} times or less"}
    change = needs.removeprefix(", ") or changes.get(outcome, "times of less spread")
    yield Evidence(outcome, text, run_ids(first, second), change)


def _log_times(group: RunGroup) -> list[float]:
    """Of the seconds a token of each run with a training of its own; empty unless all have measured them."""
    measured = [run.result["costs"] for run in group.runs if run.own_training]
    costs = [(run_costs.get("train_seconds"), run_costs.get("train_tokens")) for run_costs in measured]
    return [log(seconds / tokens) for seconds, tokens in costs] if all(all(pair) for pair in costs) else []


def _method_and_length(group: RunGroup) -> str:
    length = f" of length {group.first.prefix_len}" if group.first.prefix_len else ""
    return display_names.of_method(group.method) + length


def storage(groups: Sequence[RunGroup]) -> Iterator[Evidence]:
    """How many times fewer numbers a prefix of at most ten positions stores than the model has."""
    short = (
        group
        for group in groups
        if spec_of(group.method).stores_prefix
        and 0 < (group.first.prefix_len or 0) <= TABLES_MIDDLE
        and group.parameters("stored")
    )
    sizes = split_by(short, lambda group: (group.first.model, group.first.prefix_len, group.parameters("stored")))
    for group, *_ in sorted(sizes, key=lambda alike: (alike[0].first.model, -(alike[0].first.prefix_len or 0))):
        stored = group.parameters("stored")
        ratio = group.parameters("total") / stored
        text = (
            f"{display_names.of_model(group.first.model)}, length {group.first.prefix_len}: {stored:,} numbers stored, "
            f"{ratio:,.0f} times fewer than it has"
        )
        yield Evidence("holds" if ratio >= FEWER else "does not hold", text, run_ids(group), "nothing: it is counted")


def _by_length(groups: Iterable[RunGroup]) -> list[dict[int, RunGroup]]:
    """Length → run group, for groups that differ in length alone, whose times are compared."""
    prefixes = (group for group in groups if group.method == "prefix" and group.first.prefix_len)
    of_curves = split_by(prefixes, lambda group: group.settings_except("prefix_len"))
    return [{group.first.prefix_len or 0: group for group in alike} for alike in of_curves]
