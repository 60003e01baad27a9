"""Which metrics a task is scored with, and the scoring of one output file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prefixrun.errors import ConfigError, DataError, MissingPartError
from prefixrun.metrics.base import FloatArray, Metric, References, Score, prepared
from prefixrun.metrics.bleu import Bleu
from prefixrun.metrics.chrf import Chrf
from prefixrun.metrics.cider import Cider
from prefixrun.metrics.meteor import Meteor, ptb_text
from prefixrun.metrics.ngrams import tokens_13a
from prefixrun.metrics.nist import Nist
from prefixrun.metrics.rouge_l import RougeL

_SUITES: Mapping[str, tuple[Metric, ...]] = {
    "e2e": (
        Bleu(tokens_13a, tokens="13a", case="lc"),
        Nist(),
        Meteor(ptb_text, ptb_text, tokens="ptb", scale=100.0),
        RougeL(),
        Cider(),
        Chrf(),
    ),
}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scores of one output file and the additive counts behind them."""

    scores: dict[str, Score]
    stats: dict[str, FloatArray]
    """``<metric>.<column>`` -> one number per segment, ``(segments,)``; absent where a metric could not be computed."""


def suite(task: str) -> tuple[Metric, ...]:
    """The metrics of a task; raises ConfigError for a task that has none."""
    try:
        return _SUITES[task]
    except KeyError:
        raise ConfigError(f"task={task}: no metrics are defined for it; known: {', '.join(_SUITES)}") from None


def score(
    task: str,
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    groups: Sequence[str] | None = None,
) -> dict[str, Score]:
    """All scores of one output per segment, by the paper's names and scales. Arguments as for ``evaluate``."""
    return evaluate(task, hypotheses, references, groups).scores


def evaluate(
    task: str,
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    groups: Sequence[str] | None = None,
) -> Evaluation:
    """Scores and per-segment counts of one output file.

    Args:
        task: picks the official metrics and the preparation of the texts, which both sides get here.
        hypotheses: one output per segment, as the system wrote it; may be empty texts.
        references: the references of each segment, in the same order, as they are in the corpus.
        groups: the group of each segment; every group is then scored as a corpus of its own under ``NAME/group``.

    Raises DataError if the lengths differ, nothing is to be scored, or a segment has no reference.
    """
    _check(hypotheses, references, groups)
    kept = tuple(tuple(texts) for texts in references)
    scores: dict[str, Score] = {}
    stats: dict[str, FloatArray] = {}
    for metric in suite(task):
        scores |= _run(metric, hypotheses, kept, stats)
    return Evaluation(scores, stats)


def aggregate(task: str, stats: Mapping[str, FloatArray]) -> dict[str, float]:
    """The scores of any selection of segments from their stored counts (``Evaluation.stats``), without rescoring."""
    values: dict[str, float] = {}
    for metric in suite(task):
        columns = _columns(metric)
        if all(column in stats for column in columns):
            values |= metric.aggregate(np.array([stats[column].sum() for column in columns]))
    return values


def _run(
    metric: Metric, hypotheses: Sequence[str], references: References, stats: dict[str, FloatArray]
) -> dict[str, Score]:
    """The scores of one metric; its counts go into ``stats``."""
    signatures = {name: metric.signature(name, references) for name in metric.names}
    try:
        counts = prepared(metric, references).count(hypotheses)
    except MissingPartError as missing:
        return {name: Score(None, signatures[name], str(missing)) for name in metric.names}
    stats |= {column: counts[:, i] for i, column in enumerate(_columns(metric))}
    values = metric.aggregate(counts.sum(axis=0))
    return {name: Score(values[name], signatures[name]) for name in metric.names}


def _columns(metric: Metric) -> list[str]:
    return [f"{metric.names[0]}.{column}" for column in metric.columns]


def _check(hypotheses: Sequence[str], references: Sequence[Sequence[str]], groups: Sequence[str] | None) -> None:
    if len(hypotheses) != len(references):
        raise DataError(f"hypotheses: {len(hypotheses)} outputs for {len(references)} inputs; one output per input")
    if not references:
        raise DataError("hypotheses: there is nothing to score")
    if groups is not None and len(groups) != len(references):
        raise DataError(f"groups: {len(groups)} groups for {len(references)} inputs; one group per input")
    for number, texts in enumerate(references, start=1):
        if not texts:
            raise DataError(f"references: input {number} has no reference; leave it out of both sides")
