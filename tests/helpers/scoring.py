"""One score of a task without its other metrics."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from prefixrun.errors import MissingPartError
from prefixrun.metrics import suite
from prefixrun.metrics.base import prepared

Texts = Sequence[str]
References = Sequence[Sequence[str]]
ScoreOne = Callable[[str, str, Texts, References], float]


def score_one(task: str, name: str, outputs: Texts, references: References) -> float:
    """The score ``name`` of a corpus; skips where an optional part is missing."""
    metric = next(metric for metric in suite(task).metrics if name in metric.names)
    try:
        counts = prepared(metric, tuple(map(tuple, references))).count(outputs)
    except MissingPartError as missing:
        pytest.skip(str(missing))
    assert np.isfinite(counts).all()
    assert counts.shape == (len(outputs), len(metric.columns))
    return metric.aggregate(counts.sum(axis=0))[name]
