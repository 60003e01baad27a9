"""Evidence for the claims that are not about a score between two methods: lengths, times, sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prefixrun.analysis.claim_rules import (
    LOW_DATA,
    Arm,
    Evidence,
    Outcome,
    count_text,
    ends,
    interval_text,
    main_metric,
    run_ids,
    where,
)
from prefixrun.analysis.comparability import have_one_signature
from prefixrun.analysis.comparison import difference
from prefixrun.analysis.equivalence import margin
from prefixrun.analysis.groups import RunGroup, runs_of, split_by
from prefixrun.config.method_specs import spec_of
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
    """Does the score rise from the shortest prefix to a middle length, and stop rising there?"""
    for by_length in _by_length(group for group in groups if group.n_train > LOW_DATA):
        peak = MIDDLE.get(next(iter(by_length.values())).first.scored_as, TABLES_MIDDLE)
        middle = min(by_length, key=lambda length: (abs(length - peak), length))
        shortest, longest = min(by_length), max(by_length)
        if len(by_length) < 3 or middle in (shortest, longest):
            continue
        yield from _step(by_length[shortest], by_length[middle], rises=True)
        yield from _step(by_length[middle], by_length[longest], rises=False)


def _step(shorter: RunGroup, longer: RunGroup, *, rises: bool) -> Iterator[Evidence]:
    """Whether the score rises from one length to another as it is expected to."""
    metric = main_metric(shorter)
    rise = difference(shorter.runs, longer.runs, metric)
    if rise is None:
        return
    outcome: Outcome = "undecided"
    low, high = ends(rise)
    if low is not None and high is not None and have_one_signature(runs_of((shorter, longer)), metric):
        bound = 0.0 if rises else margin(shorter.first.scored_as, metric)
        is_rise, is_none = low > bound, high < bound
        if is_rise or is_none:
            outcome = "holds" if is_rise == rises else "does not hold"
    notes = ("rise expected" if rises else "no rise expected", rise.note)
    text = (
        f"{where(shorter)}: {display_names.of_metric(metric)} of length {longer.first.prefix_len} minus length "
        f"{shorter.first.prefix_len} {interval_text(rise, 1)}, {count_text(rise)} ({'; '.join(filter(None, notes))})"
    )
    yield Evidence(outcome, text, run_ids(shorter, longer))


def length_speed(groups: Sequence[RunGroup]) -> Iterator[Evidence]:
    """Training time per token of the longest against the shortest prefix, on the same machine."""
    for by_length in (lengths for of_machine in _by_machine(groups) for lengths in _by_length(of_machine)):
        if len(by_length) > 1 and max(by_length) >= 4 * min(by_length):
            longest, shortest = by_length[max(by_length)], by_length[min(by_length)]
            yield from _speed(longest, shortest, SAME_SPEED, slower_contradicts=True)


def training_speed(groups: Sequence[RunGroup]) -> Iterator[Evidence]:
    """Training time per token of prefix-tuning against fine-tuning, on the same machine and data."""
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
    machines: dict[tuple[object, ...], list[RunGroup]] = {}
    for group in groups:
        for runs in split_by(group.runs, lambda run: run.machine):
            machines.setdefault(runs[0].machine, []).append(RunGroup(tuple(runs)))
    return list(machines.values())


def _speed(first: RunGroup, second: RunGroup, most: float, *, slower_contradicts: bool) -> Iterator[Evidence]:
    """Holds when the first takes at most `most` times the second's time per token."""
    times = []
    for group in (first, second):
        seconds, tokens = group.cost("train_seconds"), group.cost("train_tokens")
        if not seconds or not tokens:
            return
        times.append(seconds / tokens)
    ratio = times[0] / times[1]
    contradicts = ratio > (most if slower_contradicts else 1.0)
    outcome: Outcome = "holds" if ratio <= most else "does not hold" if contradicts else "undecided"
    memory = [group.cost("peak_memory_bytes") for group in (first, second)]
    known = [f"{each / 2**30:.1f}" for each in memory if each is not None]
    memory_text = f"; peak memory {' against '.join(known)} GiB" if len(known) == 2 else ""
    arms = " against ".join(map(_method_and_length, (first, second)))
    text = f"{where(first)}: training time per token of {arms}: {ratio:.2f} times{memory_text}"
    yield Evidence(outcome, text, run_ids(first, second))


def _method_and_length(group: RunGroup) -> str:
    length = f" of length {group.first.prefix_len}" if group.first.prefix_len else ""
    return display_names.of_method(group.method) + length


def storage(groups: Sequence[RunGroup]) -> Iterator[Evidence]:
    """How many times fewer numbers a prefix of at most ten positions stores than the model has."""
    short = (
        group
        for group in groups
        if spec_of(group.method).stores_prefix
        and (group.first.prefix_len or 0) <= TABLES_MIDDLE
        and group.parameters("stored")
    )
    sizes = split_by(short, lambda group: (group.first.model, group.first.prefix_len, group.parameters("stored")))
    for group, *_ in sorted(sizes, key=lambda alike: (alike[0].first.model, alike[0].first.prefix_len or 0)):
        stored = group.parameters("stored")
        ratio = group.parameters("total") / stored
        text = (
            f"{display_names.of_model(group.first.model)}, length {group.first.prefix_len}: {stored:,} numbers stored, "
            f"{ratio:,.0f} times fewer than it has"
        )
        yield Evidence("holds" if ratio >= FEWER else "does not hold", text, run_ids(group))


def _by_length(groups: Iterable[RunGroup]) -> list[dict[int, RunGroup]]:
    """Length → run group, for groups that differ in length alone; the most runs where there are several."""
    prefixes = (group for group in groups if group.method == "prefix" and group.first.prefix_len)
    curves = []
    for alike in split_by(prefixes, lambda group: group.settings_except("prefix_len")):
        of_length = split_by(alike, lambda group: group.first.prefix_len)
        most = [max(same, key=lambda group: len(group.runs)) for same in of_length]
        curves.append({group.first.prefix_len or 0: group for group in most})
    return [dict(sorted(by_length.items())) for by_length in curves]
