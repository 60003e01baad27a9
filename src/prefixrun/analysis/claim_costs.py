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
    runs_of,
    where,
)
from prefixrun.analysis.comparison import difference
from prefixrun.analysis.equivalence import margin
from prefixrun.analysis.groups import RunGroup, have_one_signature
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
    for places in _by_length(group for group in groups if group.n_train > LOW_DATA):
        peak = MIDDLE.get(next(iter(places.values())).first.scored_as, TABLES_MIDDLE)
        middle = min(places, key=lambda length: (abs(length - peak), length))
        shortest, longest = min(places), max(places)
        if len(places) < 3 or middle in (shortest, longest):
            continue
        yield from _step(places[shortest], places[middle], rises=True)
        yield from _step(places[middle], places[longest], rises=False)


def _step(shorter: RunGroup, longer: RunGroup, *, rises: bool) -> Iterator[Evidence]:
    metric = display_names.main_metrics(shorter.first.scored_as, shorter.first.result["scores"])[0]
    found = difference(shorter.runs, longer.runs, metric)
    if found is None:
        return
    outcome: Outcome = "undecided"
    low, high = ends(found)
    if low is not None and high is not None and have_one_signature((shorter, longer), metric):
        bound = 0.0 if rises else margin(shorter.first.scored_as, metric)
        above, below = low > bound, high < bound
        outcome = (
            "holds" if (above if rises else below) else "does not hold" if (below if rises else above) else outcome
        )
    said = "rise expected" if rises else "no rise expected"
    text = (
        f"{where(shorter)}: {display_names.of_metric(metric)} of length {longer.first.prefix_len} minus length "
        f"{shorter.first.prefix_len} {interval_text(found, 1)}, "
        f"{count_text(found)} ({'; '.join(filter(None, (said, found.note)))})"
    )
    yield Evidence(outcome, text, runs_of(shorter, longer))


def length_speed(groups: Sequence[RunGroup]) -> Iterator[Evidence]:
    """Training time per token of the longest against the shortest prefix, on the same machine."""
    for places in (lengths for alike in _by_machine(groups) for lengths in _by_length(alike)):
        if len(places) > 1 and max(places) >= 4 * min(places):
            yield from _speed(places[max(places)], places[min(places)], SAME_SPEED, slower_contradicts=True)


def training_speed(groups: Sequence[RunGroup]) -> Iterator[Evidence]:
    """Training time per token of prefix-tuning against fine-tuning, on the same machine and data."""
    by_key: dict[tuple[object, ...], list[RunGroup]] = {}
    for machine, alike in enumerate(_by_machine(groups)):
        for group in alike:
            sizes = (group.first.settings.get(f"train.{name}") for name in BATCH)
            by_key.setdefault((machine, *group.comparison_key, group.training, *sizes), []).append(group)
    for comparable in by_key.values():
        first, second = Arm("prefix").select_group(comparable), Arm("finetune").select_group(comparable)
        if first and second:
            yield from _speed(first, second, FASTER, slower_contradicts=False)


def _by_machine(groups: Iterable[RunGroup]) -> list[list[RunGroup]]:
    """The run groups with their runs of one machine, for each machine."""
    machines: dict[tuple[object, ...], list[RunGroup]] = {}
    for group in groups:
        for machine in dict.fromkeys(run.machine for run in group.runs):
            runs = tuple(run for run in group.runs if run.machine == machine)
            machines.setdefault(machine, []).append(RunGroup(runs))
    return list(machines.values())


def _speed(first: RunGroup, second: RunGroup, most: float, *, slower_contradicts: bool) -> Iterator[Evidence]:
    times = []
    for group in (first, second):
        seconds, tokens = group.cost("train_seconds"), group.cost("train_tokens")
        if not seconds or not tokens:
            return
        times.append(seconds / tokens)
    ratio = times[0] / times[1]
    wrong = ratio > (most if slower_contradicts else 1.0)
    outcome: Outcome = "holds" if ratio <= most else "does not hold" if wrong else "undecided"
    memory = [group.cost("peak_memory_bytes") for group in (first, second)]
    also = (
        ""
        if None in memory
        else f"; peak memory {' against '.join(f'{(each or 0) / 2**30:.1f}' for each in memory)} GiB"
    )
    arms = " against ".join(map(_named, (first, second)))
    text = f"{where(first)}: training time per token of {arms}: {ratio:.2f} times{also}"
    yield Evidence(outcome, text, runs_of(first, second))


def _named(group: RunGroup) -> str:
    length = f" of length {group.first.prefix_len}" if group.first.prefix_len else ""
    return display_names.of_method(group.first.method) + length


def storage(groups: Sequence[RunGroup]) -> Iterator[Evidence]:
    """How many times fewer numbers a prefix of at most ten positions stores than the model has."""
    seen: dict[tuple[str, int | None, int], list[RunGroup]] = {}
    for group in groups:
        first, stored = group.first, group.parameters("stored")
        if spec_of(first.method).stores_prefix and (first.prefix_len or 0) <= TABLES_MIDDLE and stored:
            seen.setdefault((first.model, first.prefix_len, stored), []).append(group)
    for (model, length, stored), alike in sorted(seen.items(), key=lambda item: (item[0][0], item[0][1] or 0)):
        ratio = alike[0].parameters("total") / stored
        named = display_names.of_model(model)
        text = f"{named}, length {length}: {stored:,} numbers stored, {ratio:,.0f} times fewer than it has"
        yield Evidence("holds" if ratio >= FEWER else "does not hold", text, runs_of(alike[0]))


def _by_length(groups: Iterable[RunGroup]) -> list[dict[int, RunGroup]]:
    """Length → run group, for each setting that differs in length alone; the most runs where there are several."""
    by_key: dict[tuple[object, ...], dict[int, RunGroup]] = {}
    for group in groups:
        if group.first.method == "prefix" and group.first.prefix_len:
            places = by_key.setdefault(group.settings_except("prefix_len"), {})
            known = places.get(group.first.prefix_len)
            if known is None or len(group.runs) > len(known.runs):
                places[group.first.prefix_len] = group
    return [dict(sorted(places.items())) for places in by_key.values()]
