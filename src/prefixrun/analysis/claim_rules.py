"""Evidence for and against a claim: a rule gives pieces of evidence, each with its outcome, its numbers and its runs.

A claim holds when every rule has evidence and every piece that may decide says so, does not hold when one piece
contradicts it, and is undecided otherwise. Intervals are over seeds and inputs (comparison.py), at a level that is
corrected for looking again after each added seed (verdicts.py), not for the number of claims. Both sides of a
comparison share data, model, decoding, precision and kind of processor; they have equal training
(equal_training.py) and, where both have a length, the same. Otherwise the evidence is shown as unequal. Each side
stands for its method by its best setting (arms.py). Fewer than three independent runs decide nothing, neither for a
claim nor against it. With a drawn part of the data the independent units are subsamples: such a claim is of any pairs
of that number, not of those that happened to be drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from prefixrun.analysis.arms import Arm, Choice, choose, draw
from prefixrun.analysis.comparability import have_one_signature
from prefixrun.analysis.comparison import ENOUGH, Difference, Estimate, difference
from prefixrun.analysis.equal_training import has_the_papers, pairs_trained, training_of, why_unequal
from prefixrun.analysis.equal_training import note as training_note
from prefixrun.analysis.equivalence import margin
from prefixrun.analysis.group_labels import amount_text, share_text
from prefixrun.analysis.groups import RunGroup, runs_of, split_by
from prefixrun.analysis.verdicts import LOOK_LEVEL, EvidenceOutcome, Kind, Verdict, judge
from prefixrun.data.manifest import UNVERIFIED
from prefixrun.results import display_names
from prefixrun.results.record import Record

Outcome = Literal["holds", "does not hold", "undecided", "no runs", "cannot be tested here"]
Amount = Literal["low", "most", "share", "all"]

WEIGHTLESS: tuple[EvidenceOutcome, ...] = ("unequal", "too few runs")
"""Outcomes of evidence that is shown and does not count."""

DIFFERENT_SIGNATURES = "the scores have different signatures"

INITIALISATION = ("init.", "init_words")
"""Settings of a prefix's initialisation."""

LOW_DATA = 500
"""The largest of the paper's low-data sizes."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What some runs say about a claim."""

    outcome: EvidenceOutcome
    text: str
    run_ids: tuple[str, ...]
    change: str = ""
    """What would decide it, or, where it is decided, undo that."""


@dataclass(frozen=True, slots=True)
class Match:
    """The two sides of a comparison."""

    first: Choice
    second: Choice
    unequal: str = ""
    """What is unequal between them; empty when they may decide something."""

    @property
    def pair(self) -> tuple[RunGroup, RunGroup]:
        """The run groups of both sides."""
        return self.first.group, self.second.group

    @property
    def doubt(self) -> str:
        """Why one of the choices decides nothing; empty when both do."""
        return "; ".join(filter(None, (self.first.doubt, self.second.doubt)))


@dataclass(frozen=True, slots=True)
class Comparison:
    """A rule: the first arm against the second, on every task, model and amount of data that has both."""

    first: Arm
    second: Arm
    kind: Kind
    metrics: tuple[str, ...] = ()
    """Empty: the first main metric of the task."""
    amount: Amount = "most"
    """`low`: each size up to 500 pairs; `most`: the most pairs with both arms, in each precision; `share`: each
    part of the data that was seen whole; `all`: the whole data, seen whole."""
    tasks: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    at_least: float = 0.0
    """For `share`: larger shares of the data than this."""

    def __call__(self, groups: Sequence[RunGroup]) -> Iterator[Evidence]:
        """One piece of evidence for each pair of run groups and metric."""
        matches = self.matches(groups)
        for match in matches:
            for metric in self.metrics or (match.first.group.main_metric,):
                if not any(is_of_more_inputs(other, match, metric) for other in matches):
                    yield _compare(match, metric, self.kind)

    def matches(self, groups: Sequence[RunGroup]) -> list[Match]:
        """The two sides on every task, model and precision that has both; with `most` those of the most pairs."""
        concerned = [group for group in of_one_processor(groups) if self._concerns(group)]
        matches = [match for pool in split_by(concerned, pool_key) if (match := self._best_match(pool))]
        if self.amount != "most":
            return matches
        return [max(alike, key=_order_of_match) for alike in split_by(matches, key_but_pairs)]

    def _best_match(self, pool: Sequence[RunGroup]) -> Match | None:
        """Of the matches with equal training and size that of most training; else one that says what is unequal."""
        trainings = [*split_by(pool, training_of), [group for group in pool if has_the_papers(group)]]
        matches = [match for alike in trainings if (match := self._match(alike))]
        if not matches and (match := self._match(pool)):
            matches = [match]
        return max(matches, key=_order_of_match, default=None)

    def _match(self, alike: Sequence[RunGroup]) -> Match | None:
        """The most preferred structure of the first arm that the second has with the same length, each side by its best
        setting; of one initialisation a length with enough runs. Where no length is the same, the most preferred of
        both."""
        first, second = self.first.members(alike), self.second.members(alike)
        if self.first.method == self.second.method:  # they differ in the initialisation alone, so were searched alike
            first, second = _searched_alike(first, second)
        ours, theirs = self.first.structures(first), self.second.structures(second)
        if not ours or not theirs:
            return None
        pairs = [(left, right) for left in ours for right in theirs if _have_one_length(left[0], right[0])]
        of_one_length = [(choose(left), choose(right)) for left, right in pairs]
        of_usual_init = (choices for choices in of_one_length if choices[0].group.init == ours[0][0].init)
        with_enough = (choices for choices in of_usual_init if min(side.group.units for side in choices) >= ENOUGH)
        sides = next(with_enough, None) or next(iter(of_one_length), None) or (choose(ours[0]), choose(theirs[0]))
        pair = sides[0].group, sides[1].group
        lengths = [group.first.prefix_len for group in pair]
        size = "" if _have_one_length(*pair) else f"length {lengths[0]} against {lengths[1]}"
        return Match(*sides, "; ".join(filter(None, (why_unequal(*pair), size))))

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
    if not any(evidence):
        return "no runs"
    weighed = [[piece.outcome for piece in of_rule if piece.outcome not in WEIGHTLESS] for of_rule in evidence]
    outcomes = {outcome for of_rule in weighed for outcome in of_rule}
    if "does not hold" in outcomes:
        return "does not hold"
    return "holds" if outcomes == {"holds"} and all(weighed) else "undecided"


def where(group: RunGroup) -> str:
    """`E2E, SmolLM2-135M, 500 pairs, 200 inputs`; see group_labels.amount_text. All inputs are not counted."""
    scored, available = group.first.result["n_inputs"], group.first.result.get("n_inputs_available")
    inputs = f", {scored:,} inputs" if available and scored < available else ""
    return f"{task_and_model(group)}, {amount_text(group)}{inputs}"


def task_and_model(group: RunGroup) -> str:
    """`E2E (dev part), SmolLM2-135M`, and the GPU where the runs were made on one."""
    split = "" if group.first.split == "test" else f" ({group.first.split} part)"
    versions = {part.get("version") for part in group.first.result.get("data", {}).values()}
    copy = ", a copy that is not the whole release" if UNVERIFIED in versions else ""
    device = f" on {name}" if (name := processor(group.first)) else ""
    return (
        f"{display_names.of_task(group.first.task)}{split}{copy}, {display_names.of_model(group.first.model)}{device}"
    )


def run_ids(*groups: RunGroup) -> tuple[str, ...]:
    """The ids of all runs of the groups."""
    return tuple(run.run_id for run in runs_of(groups))


def pool_key(group: RunGroup) -> tuple[object, ...]:
    """Equal for run groups of one processor whose scores may be compared when their training was equal: inputs, model,
    decoding, pairs, precision and processor."""
    return group.comparison_key, group.n_train, group.precision, processor(group.first)


def key_but_pairs(match: Match) -> tuple[object, ...]:
    """Equal for matches whose pool_key differs in the number of pairs alone."""
    group = match.first.group
    return group.comparison_key, group.precision, processor(group.first)


def processor(run: Record) -> str | None:
    """What computed a run: the name of a GPU, or None for a CPU of any kind."""
    return run.result["provenance"].get("accelerator")  # type: ignore[no-any-return]


def of_one_processor(groups: Iterable[RunGroup]) -> list[RunGroup]:
    """The run groups with the runs of each processor apart."""
    return [RunGroup(tuple(runs)) for group in groups for runs in split_by(group.runs, processor)]


def _order_of_match(match: Match) -> tuple[bool, bool, bool, int, int]:
    """Equal sides first, then those that may decide something, then most pairs and training."""
    pair = match.pair
    has_enough = min(group.units for group in pair) >= ENOUGH
    return not match.unequal, has_enough, not match.doubt, pair[0].n_train, sum(map(pairs_trained, pair))


def is_of_more_inputs(other: Match, match: Match, metric: str) -> bool:
    """Whether another match says all that this one does, and more: it has the same runs on either side, perhaps with
    others, scored on more inputs. Both would be evidence of the same trainings."""
    inputs = [compared.first.group.first.result["n_inputs"] for compared in (other, match)]
    runs = runs_of(other.pair)
    has_scores = all(run.value(metric) is not None for run in runs) and have_one_signature(runs, metric)
    decides = not other.unequal and not other.doubt and has_scores
    has_all = all(_trainings(mine) <= _trainings(theirs) for mine, theirs in zip(match.pair, other.pair, strict=True))
    return inputs[0] > inputs[1] and decides and has_all


def _trainings(group: RunGroup) -> set[tuple[object, ...]]:
    return {(processor(run), run.key_but_inputs, draw(run)) for run in group.runs}


def _have_one_length(first: RunGroup, second: RunGroup) -> bool:
    """True also where one of the methods has no length."""
    return None in (lengths := (first.first.prefix_len, second.first.prefix_len)) or lengths[0] == lengths[1]


def _searched_alike(first: Sequence[RunGroup], second: Sequence[RunGroup]) -> tuple[list[RunGroup], list[RunGroup]]:
    """The groups of each side whose settings, but for the initialisation, the other side has too."""
    keys = [{group.settings_except(*INITIALISATION) for group in side} for side in (first, second)]
    common = keys[0] & keys[1]
    in_common = [
        [group for group in side if group.settings_except(*INITIALISATION) in common] for side in (first, second)
    ]
    return in_common[0], in_common[1]


def count_text(mean: Estimate) -> str:
    """`n = 4`, or `n = 4 runs on 2 subsamples` where these are what is independent."""
    return f"n = {mean.n}" + ("" if mean.draws == mean.n else f" runs on {mean.draws} subsamples")


def interval_text(mean: Estimate, decimals: int) -> str:
    """`+2.3 [−0.1, +4.7]` at LOOK_LEVEL, or the mean alone."""
    half = mean.half(LOOK_LEVEL)
    ends = "" if half is None else f" [{mean.mean - half:+.{decimals}f}, {mean.mean + half:+.{decimals}f}]"
    return f"{mean.mean:+.{decimals}f}{ends}".replace("-", "−")


def units_of(measured: Estimate, group: RunGroup) -> tuple[int, str]:
    """The number of independent units of a difference and what they are: subsamples where a part of the data was drawn,
    else seeds."""
    return (measured.subsamples, "subsample") if group.is_of_a_part else (measured.draws, "seed")


def _compare(match: Match, metric: str, kind: Kind) -> Evidence:
    first, second = match.pair
    measured = difference(second.runs, first.runs, metric)
    if measured is None:
        text = f"{where(first)}: {display_names.of_metric(metric)} has no value in these runs"
        return Evidence("undecided", text, run_ids(first, second))
    bound, less_is_better = margin(first.first.scored_as, metric), display_names.less_is_better(metric)
    verdict = judge(measured, kind, bound, *units_of(measured, first), less_is_better=less_is_better)
    return evidence_of(verdict, _text(first, second, metric, measured), match, metric)


def evidence_of(verdict: Verdict, text: str, match: Match, metric: str) -> Evidence:
    """What the two sides say, with all that a reader must know of how they were chosen."""
    runs = runs_of(match.pair)
    signature = "" if have_one_signature(runs, metric) else DIFFERENT_SIGNATURES
    doubt = "; ".join(filter(None, (match.doubt, signature)))
    complete = "; ".join(filter(None, (text, match_notes(match))))
    moved = moved_text(verdict, _decimals(match.first.group, metric))
    return weighed_evidence(verdict, complete, doubt, match.unequal, run_ids(*match.pair), moved)


def weighed_evidence(
    verdict: Verdict, text: str, doubt: str, unequal: str, ids: tuple[str, ...], moved: str
) -> Evidence:
    """Unequal sides decide nothing, nor do settings that cannot be told apart; more seeds would not change that."""
    if unequal:
        return Evidence("unequal", f"{text}; unequal: {unequal}", ids, f"equal sides ({unequal})")
    if doubt:
        return Evidence("undecided", f"{text}; {doubt}", ids, f"runs without this: {doubt}")
    return Evidence(verdict.outcome, "; ".join(filter(None, (text, verdict.needs))), ids, verdict.needs or moved)


def moved_text(verdict: Verdict, decimals: int) -> str:
    """What would undo a decided outcome."""
    return f"runs that move the interval by {verdict.room:.{decimals}f}"


def match_notes(match: Match) -> str:
    """How many settings each side was chosen from, and whose training it is where that is not the same."""
    searched = (match.first.searched, match.second.searched)
    names = ["one setting" if number == 1 else f"the lowest development loss of {number}" for number in searched]
    text = "one setting on either side" if searched == (1, 1) else " against ".join(names)
    return "; ".join(filter(None, (text, training_note(*match.pair) if not match.unequal else "")))


def _text(first: RunGroup, second: RunGroup, metric: str, measured: Difference) -> str:
    arms = f"{_arm_text(first)} minus {_arm_text(second)}"
    note = f" ({measured.note})" if measured.note else ""
    number = interval_text(measured, _decimals(first, metric))
    return f"{where(first)}: {display_names.of_metric(metric)} of {arms} {number}, {count_text(measured)}{note}"


def _decimals(group: RunGroup, metric: str) -> int:
    is_per_cent = metric.partition("/")[0] in display_names.PER_CENT
    return 1 if is_per_cent or margin(group.first.scored_as, metric) >= 0.1 else 3


def _arm_text(group: RunGroup) -> str:
    """`adapter 0.1 %`, `prefix-tuning (init=words, length 5)`."""
    name = f"{display_names.of_method(group.method)} {share_text(group)}".rstrip()
    details = (
        f"init={group.init}" if group.init else "",
        f"length {group.first.prefix_len}" if group.first.prefix_len is not None else "",
    )
    return f"{name} ({', '.join(filter(None, details))})" if any(details) else name
