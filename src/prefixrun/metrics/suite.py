"""Which metrics a task is scored with, and the scoring of one output file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from prefixrun.console import count
from prefixrun.errors import ConfigError, DataError, MissingPartError, shortened
from prefixrun.metrics.added_names import AddedNames
from prefixrun.metrics.base import FloatArray, Metric, References, Score, prepared
from prefixrun.metrics.bleu import Bleu
from prefixrun.metrics.chrf import Chrf
from prefixrun.metrics.cider import Cider
from prefixrun.metrics.exact_match import ExactMatch
from prefixrun.metrics.meteor import Meteor
from prefixrun.metrics.neural import BLEURT, MOVER_SCORE, BertScore
from prefixrun.metrics.nist import Nist
from prefixrun.metrics.preparation import CHARACTERS, DART, MTEVAL_13A, MTEVAL_13A_CASED, PTB, WEBNLG_2017
from prefixrun.metrics.rouge import Rouge
from prefixrun.metrics.rouge_l import RougeL
from prefixrun.metrics.slots import Coverage, SlotError
from prefixrun.metrics.ter import Ter
from prefixrun.metrics.writing import why_not


@dataclass(frozen=True, slots=True)
class Suite:
    """The metrics of a task and how many references of a segment its script reads (None: all)."""

    metrics: tuple[Metric, ...]
    references: int | None = None
    by_group: bool = False
    """Whether each group of segments is scored by itself, under NAME/group, and all under NAME/all."""
    always_all: bool = False
    """Whether NAME/all stands beside NAME where there are no groups."""
    of_inputs: tuple[Metric, ...] = ()
    """Metrics that compare the output with the input in place of references; computed where inputs are given."""
    later: tuple[Metric, ...] = ()
    """Metrics that need more of the corpus than what is scored: computed after a run (results.score_later)."""

    @property
    def every(self) -> tuple[Metric, ...]:
        """All metrics."""
        return (*self.metrics, *self.of_inputs, *self.later)

    def suffixes(self, *, grouped: bool) -> tuple[str, ...]:
        """What the names of the scores of all segments end in; grouped: whether segments have groups."""
        if not self.by_group:
            return ("",)
        return ("/all",) if grouped else ("", "/all") if self.always_all else ("",)


SUITES: Mapping[str, Suite] = {
    "e2e": Suite(
        (Bleu(MTEVAL_13A), Nist(), Meteor(PTB, scale=100.0), RougeL(), Cider(), Chrf()), of_inputs=(SlotError(),)
    ),
    "webnlg": Suite(
        (Bleu(WEBNLG_2017, padded_to=3), Meteor(WEBNLG_2017), Ter(WEBNLG_2017), Chrf()),
        references=3,
        by_group=True,
        always_all=True,
        of_inputs=(Coverage(),),
        later=(AddedNames(),),
    ),
    "dart": Suite(
        (Bleu(DART, padded_to=3), Meteor(DART), Ter(DART), MOVER_SCORE, BertScore(DART), BLEURT, Chrf()),
        references=3,
        of_inputs=(Coverage(),),
    ),
    "xsum": Suite((Rouge(), Rouge("rouge-1.5.5"), Chrf())),
}

CHOICES: Mapping[str, Metric] = {
    "BLEU": Bleu(MTEVAL_13A_CASED, cased=True),
    "BLEU-CHAR": Bleu(CHARACTERS, name="BLEU-CHAR", cased=True),
    "NIST": Nist(),
    "METEOR": Meteor(PTB, scale=100.0),
    "TER": Ter(DART),
    "CIDEr": Cider(),
    "chrF": Chrf(),
    "ROUGE-1": Rouge("none", ("1",)),
    "ROUGE-2": Rouge("none", ("2",)),
    "ROUGE-L": Rouge("none", ("L",)),
    "EM": ExactMatch(),
}
"""What an own task may choose one by one."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scores of one output file and the additive counts behind them."""

    scores: dict[str, Score]
    stats: dict[str, FloatArray]
    """``<metric>.<column>`` -> one number per segment, ``(segments,)``; absent where a metric could not be computed."""


def suite(task: str, key: str = "task") -> Suite:
    """How a task of the paper is scored, or the metrics whose names stand in `task`, with commas between them.

    key: what named it, for the message. Raises ConfigError for a task that has none, and for other names.
    """
    if task in SUITES:
        return SUITES[task]
    by_lower = {name.lower(): metric for name, metric in CHOICES.items()}
    metrics = tuple(by_lower.get(name.strip().lower()) for name in task.split(","))
    if None not in metrics and len(set(metrics)) < len(metrics):
        raise ConfigError(f"{key}={shortened(task)}: names a metric twice; give each once")
    if None in metrics:
        raise ConfigError(
            f"{key}={shortened(task)}: no metrics are defined for it; known: {', '.join(SUITES)}. An own task has "
            f"them in its file (--config-dir DIR), or needs metrics=TASK to be scored like one of these, or a list of "
            f"{', '.join(CHOICES)}"
        )
    return Suite(tuple(metric for metric in metrics if metric is not None), by_group=True)


def score(
    task: str,
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    groups: Sequence[str] | None = None,
    sources: Sequence[str] | None = None,
) -> dict[str, Score]:
    """All scores of one output per segment, by the paper's names and scales.

    Arguments and errors as for ``evaluate``.
    """
    return evaluate(task, hypotheses, references, groups, sources).scores


def evaluate(
    task: str,
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    groups: Sequence[str] | None = None,
    sources: Sequence[str] | None = None,
) -> Evaluation:
    """Scores and per-segment counts of one output file.

    Args:
        task: picks the official metrics and the preparation of the texts, which both sides get here; or metrics of
            one's own choice (``suite``).
        hypotheses: one output per segment, as the system wrote it; may be empty texts.
        references: the references of each segment, in the same order, as they are in the corpus.
        groups: the group of each segment, "" for none; where the paper scores groups (WebNLG), each is scored as a
            separate corpus under ``NAME/group`` and the whole under ``NAME/all`` instead of ``NAME``.
        sources: the inputs in the paper's linearisation; adds the measures that compare the output with them.

    Raises DataError if the lengths differ, nothing is to be scored, or a segment has no reference.
    """
    _check(hypotheses, references, groups, sources)
    plan = suite(task)
    counted = tuple(tuple(texts[: plan.references]) for texts in references)
    inputs = tuple((source,) for source in sources or ())
    runs = [(metric, counted) for metric in plan.metrics] + [(metric, inputs) for metric in plan.of_inputs if inputs]
    parts = _parts(plan, groups or [""] * len(counted))
    scores: dict[str, Score] = {}
    stats: dict[str, FloatArray] = {}
    for metric, against in runs:
        whole, columns = _run(metric, hypotheses, against)
        stats |= columns
        for suffix in plan.suffixes(grouped=bool(parts)):
            scores |= {name + suffix: total for name, total in whole.items()}
        for group, members in parts.items():
            part, _ = _run(metric, [hypotheses[i] for i in members], tuple(against[i] for i in members))
            scores |= {f"{name}/{group}": value for name, value in part.items()}
    return Evaluation(scores, stats)


OF_ALL_INPUTS = ("CIDEr", "NIST", "NIST_mteval")
"""Scores that weigh n-grams by all inputs that they are scored on: counts of these say nothing of a part of them."""


def _parts(plan: Suite, groups: Sequence[str]) -> dict[str, list[int]]:
    """Group -> its segments, to be scored as a separate corpus: no score of the whole is the mean of its parts."""
    if not plan.by_group:
        return {}
    return {group: [i for i, name in enumerate(groups) if name == group] for group in sorted(set(groups) - {""})}


def aggregate(task: str, stats: Mapping[str, FloatArray]) -> dict[str, float]:
    """The scores of any selection of segments from their stored counts (``Evaluation.stats``), without rescoring.

    Raises ConfigError for a task without metrics.
    """
    values: dict[str, float] = {}
    for metric in suite(task).every:
        columns = _columns(metric)
        if columns and all(column in stats for column in columns):
            values |= metric.aggregate(np.array([stats[column].sum() for column in columns]))
    return values


def _run(
    metric: Metric, hypotheses: Sequence[str], references: References
) -> tuple[dict[str, Score], dict[str, FloatArray]]:
    """The scores of one metric and its columns; no columns where an optional part is missing."""
    signatures = {name: metric.signature(name, references) for name in metric.names}
    try:
        if reason := why_not(metric.reads, references):
            raise MissingPartError(f"{', '.join(metric.names)} of these references says nothing: {reason}")
        counts = metric.count_all(hypotheses, prepared(metric, references))
    except MissingPartError as missing:
        return {name: Score(None, signatures[name], str(missing)) for name in metric.names}, {}
    values = metric.aggregate(counts.sum(axis=0))
    scores = {name: Score(values[name], signatures[name]) for name in metric.names}
    return scores, {column: counts[:, i] for i, column in enumerate(_columns(metric))}


@cache  # intervals aggregate thousands of times
def _columns(metric: Metric) -> tuple[str, ...]:
    return tuple(f"{metric.names[0]}.{column}" for column in metric.columns)


def _check(
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    groups: Sequence[str] | None,
    sources: Sequence[str] | None,
) -> None:
    if len(hypotheses) != len(references):
        outputs, inputs = count(len(hypotheses), "output"), count(len(references), "input")
        raise DataError(f"hypotheses: {outputs} for {inputs}; one output per input")
    if not references:
        raise DataError("hypotheses: there is nothing to score")
    for argument, values in (("groups", groups), ("sources", sources)):
        if values is not None and len(values) != len(references):
            raise DataError(f"{argument}: {len(values)} for {count(len(references), 'input')}; one per input")
    for number, texts in enumerate(references, start=1):
        if not texts:
            raise DataError(f"references: input {number} has no reference; leave it out of both sides")
