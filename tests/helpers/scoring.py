"""One score of a task without its other metrics, and the counts of one metric."""

from collections.abc import Sequence

import numpy as np
import pytest

from prefixrun.errors import MissingPartError
from prefixrun.metrics import suite
from prefixrun.metrics.base import FloatArray, Metric, prepared

Texts = Sequence[str]
References = Sequence[Sequence[str]]


def counts_of(metric: Metric, references: References, outputs: Texts) -> FloatArray:
    """The counts of one output for each segment, (segments, columns)."""
    return metric.count_all(outputs, metric.prepare(tuple(map(tuple, references))))


def score_one(task: str, name: str, outputs: Texts, references: References) -> float:
    """The score ``name`` of a corpus; skips where an optional part is missing."""
    metric = next(metric for metric in suite(task).metrics if name in metric.names)
    try:
        counts = metric.count_all(outputs, prepared(metric, tuple(map(tuple, references))))
    except MissingPartError as missing:
        pytest.skip(str(missing))
    assert np.isfinite(counts).all()
    assert counts.shape == (len(outputs), len(metric.columns))
    return metric.aggregate(counts.sum(axis=0))[name]
