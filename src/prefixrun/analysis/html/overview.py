"""The first section: what was run, and the best scores of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

from prefixrun.analysis.arms import choose
from prefixrun.analysis.group_labels import amount_text, inputs_text
from prefixrun.analysis.groups import RunGroup, split_by
from prefixrun.analysis.html.format import duration, pairs
from prefixrun.analysis.html.metrics import score_text
from prefixrun.analysis.html.runs import group_score
from prefixrun.analysis.html.table import Cell, Column, HtmlTable, method_cell, number_cell, text_cell
from prefixrun.analysis.score_intervals import Over, score_interval
from prefixrun.config.method_specs import spec_of
from prefixrun.console import NONE
from prefixrun.results import display_names
from prefixrun.results.record import Record
from prefixrun.runs.result_schema import SAMPLE


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all runs; None where no run recorded it."""

    runs: int
    tasks: tuple[str, ...]
    models: tuple[str, ...]
    methods: tuple[str, ...]
    train_seconds: float | None
    train_tokens: float | None
    decode_seconds: float | None


def totals(runs: Sequence[Record]) -> Totals:
    """The sums over all runs."""
    tasks = sorted({display_names.of_task(run.task) for run in runs})
    models = sorted({display_names.of_model(run.model) for run in runs})
    methods = sorted({display_names.of_method(run.method) for run in runs})
    trained = [run for run in runs if run.own_training]
    return Totals(
        len(runs),
        tuple(tasks),
        tuple(models),
        tuple(methods),
        _sum(trained, "train_seconds"),
        _sum(trained, "train_tokens"),
        _sum(runs, "decode_seconds"),
    )


CHOICE = (
    "A method stands here by its setting with the lowest development loss, among those scored on the same inputs after "
    "equal training, not by its best score; where no loss on the same pairs tells settings apart, by the one of most "
    "training and runs."
)
"""How one of several settings is chosen, as the paper chose."""


@dataclass(frozen=True, slots=True)
class ScoredMethod:
    """The setting that stands for a method, and its main score."""

    method: str
    group: RunGroup
    mean: float
    low: float | None
    high: float | None
    over: Over | None
    """What the interval is over; None without one."""
    text: str
    """The score as the paper prints it."""
    interval: str
    """Its 95 % interval; empty where it is unknown."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out on one task, model and kind of data: its methods, the best first."""

    task: str
    circumstances: str
    """Inputs and training that its methods share, and their model where the task has several."""
    name: str
    """Of the score, as results name it."""
    methods: tuple[ScoredMethod, ...]

    @property
    def metric(self) -> str:
        """The score as a reader knows it."""
        return display_names.of_metric(self.name)

    @property
    def shown(self) -> tuple[ScoredMethod, ...]:
        """The best method, and prefix-tuning where that is another one."""
        return (self.methods[0], *(method for method in self.methods[1:] if method.method == "prefix"))


def outcomes(groups: Sequence[RunGroup]) -> list[Outcome]:
    """Every task, model and kind of data that has a score."""
    all_outcomes = []
    for alike in _by_task_and_model(groups):
        ranked = _ranked_together(alike)
        metric = ranked[0].main_metric
        scored = [
            scored_method
            for of in split_by(ranked, lambda group: group.method)
            if (scored_method := _scored(of, metric))
        ]
        if not scored:
            continue
        scored.sort(key=lambda scored_method: scored_method.mean, reverse=not display_names.less_is_better(metric))
        task = display_names.of_task(alike[0].first.task)
        models = {group.first.model for group in groups if group.first.task == ranked[0].first.task}
        circumstances = _circumstances(ranked[0], names_model=len(models) > 1)
        all_outcomes.append(Outcome(task, circumstances, metric, tuple(scored)))
    return all_outcomes


def interval_note(shown_outcomes: Sequence[Outcome]) -> str:
    """What the intervals of the scores that are shown are over."""
    kinds = {scored.over for outcome in shown_outcomes for scored in outcome.shown if scored.over}
    if not kinds:
        return CHOICE
    alone = " One run says nothing of the spread between seeds." if "inputs" in kinds else ""
    return f"{CHOICE} In brackets: 95 % interval over {' or '.join(sorted(kinds))}.{alone}"


def _scored(groups: Sequence[RunGroup], metric: str) -> ScoredMethod | None:
    """The setting of a method with the lowest development loss of those that have the score, over the seeds and
    subsamples that all of them have; without such a loss the one of most training and runs."""
    with_score = [group for group in groups if group.estimate(metric) is not None]
    if not with_score:
        return None
    group = choose(sorted(with_score, key=lambda candidate: (-candidate.seen, -len(candidate.runs)))).group
    scored_as, measured = group.first.scored_as, score_interval(group.runs, metric)
    units = group.unit_values(metric)
    mean = sum(units) / len(units)
    interval = (
        f"[{score_text(measured.low, scored_as, metric)}, {score_text(measured.high, scored_as, metric)}]"
        if measured
        else ""
    )
    low, high, over = (measured.low, measured.high, measured.over) if measured else (None, None, None)
    return ScoredMethod(group.method, group, mean, low, high, over, score_text(mean, scored_as, metric), interval)


def summary_table(runs: Sequence[Record], groups: Sequence[RunGroup]) -> HtmlTable:
    """One row for each task, method, model and kind of data: its score, and what was run.

    A model or kind of data that is the only one has no column.
    """
    columns = (
        Column("Task"),
        Column("Method"),
        Column("Score", numeric=True, title="mean ± standard deviation over the runs of the setting"),
        Column("On"),
        Column("Model"),
        Column("Data"),
        Column("Runs", numeric=True),
        Column("Seeds", numeric=True),
        Column("Prefix lengths"),
        Column("Training pairs"),
        Column("Training time", numeric=True, unit="s"),
    )
    ranked = [group for alike in _by_task_and_model(groups) for group in _ranked_together(alike)]
    of_ranked = {_part(group.first) for group in ranked}
    rows = []
    for alike in split_by(runs, _part):
        part = _part(alike[0])
        pool = ranked if part in of_ranked else groups
        rows.append(_row(part, alike, [group for group in pool if _part(group.first) == part]))
    is_shown = [
        column.label not in ("Model", "Data") or len({row[at].text for row in rows}) > 1
        for at, column in enumerate(columns)
    ]
    shown = tuple(tuple(compress(row, is_shown)) for row in rows)
    note = f"{CHOICE} Scores on other inputs, or after other training, cannot be ranked."
    return HtmlTable("What was run", tuple(compress(columns, is_shown)), shown, (note,))


def _by_task_and_model(groups: Sequence[RunGroup]) -> list[list[RunGroup]]:
    """The run groups of each task, model and kind of data, whatever their method."""
    return split_by(groups, lambda group: (group.first.task, group.first.model, group.first.result["data_source"]))


def _part(run: Record) -> tuple[str, ...]:
    return run.task, run.method, run.model, str(run.result["data_source"])


def _row(part: tuple[str, ...], runs: Sequence[Record], groups: Sequence[RunGroup]) -> tuple[Cell, ...]:
    task, method, model, data = part
    metric = groups[0].main_metric
    scored = _scored(_ranked_together(groups), metric)
    score = group_score(scored.group, metric) if scored else Cell(NONE)
    return (
        text_cell(display_names.of_task(task)),
        method_cell(method),
        Cell(f"{display_names.of_metric(metric)} {score.text}", score.value) if scored else score,
        text_cell(inputs_text(scored.group.first) if scored else None),
        text_cell(display_names.of_model(model)),
        text_cell(data),
        number_cell(len(runs)),
        number_cell(len({run.seed for run in runs})),
        text_cell(_listed(run.prefix_len for run in runs)),
        text_cell(_listed_pairs(runs)),
        number_cell(_sum([run for run in runs if run.own_training], "train_seconds"), duration),
    )


def _ranked_together(groups: Sequence[RunGroup]) -> list[RunGroup]:
    """Those whose scores may be compared, after equal training, and with them the methods that are not trained: test
    inputs where there are some, the most methods, then the most inputs, then the most training."""

    def scored_alike(group: RunGroup) -> tuple[object, ...]:
        return group.comparison_key, group.first.signature(group.main_metric), group.precision

    def preference(alike: Sequence[RunGroup]) -> tuple[bool, int, int, int]:
        first = alike[0].first
        methods = len({group.first.method for group in alike})
        return first.split == "test", methods, first.result["n_inputs"], alike[0].seen

    trained = [group for group in groups if spec_of(group.method).trains]
    parts = split_by(trained or groups, lambda group: (*scored_alike(group), group.training_amount))
    ranked = max(parts, key=preference)
    untrained = [group for group in groups if not spec_of(group.method).trains]
    return ranked + [
        group for group in untrained if group not in ranked and scored_alike(group) == scored_alike(ranked[0])
    ]


def _circumstances(group: RunGroup, *, names_model: bool) -> str:
    """Inputs and amount of training, and the sample corpus by its name."""
    model = display_names.of_model(group.first.model) if names_model else ""
    sample = display_names.SOURCES[SAMPLE] if group.first.result["data_source"] == SAMPLE else ""
    return ", ".join(filter(None, (model, inputs_text(group.first), amount_text(group), sample)))


def _sum(runs: Iterable[Record], name: str) -> Any:
    known = [cost for run in runs if (cost := run.result["costs"].get(name)) is not None]
    return sum(known) if known else None


def _listed_pairs(runs: Sequence[Record]) -> str:
    """How many pairs were seen, of how many where these are more."""
    texts = [pairs(seen, n_train) for seen, n_train in sorted({(run.seen, run.n_train) for run in runs})]
    return ", ".join(texts) if len(texts) <= 4 else f"{texts[0]} to {texts[-1]} ({len(texts)} sizes)"


def _listed(values: Iterable[int | None]) -> str:
    """Few values one by one, many as their range."""
    known = sorted({value for value in values if value is not None})
    if len(known) > 6:
        return f"{known[0]:,} to {known[-1]:,} ({len(known)} sizes)"
    return ", ".join(f"{value:,}" for value in known)
