"""Scores that a committed record got after its run, from its outputs and the corpus; its own scores stay as they are.

They stand in a file of their own beside result.json, with the counts behind them and the digest of the outputs that
they are of: result.json says what the run computed, and no score of a run changes. score_later.py writes the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prefixrun.errors import DamagedStateError, reading
from prefixrun.files import digest, read_json

if TYPE_CHECKING:
    from prefixrun.metrics.base import FloatArray

LATER = "later_scores.json"
ADVICE = "run scripts/later_scores.py again, or delete the file"


@dataclass(frozen=True, slots=True)
class LaterScores:
    """The scores of one record."""

    scores: Mapping[str, Mapping[str, Any]]
    """Name → `value`, `reason` and `signature`, as in result.json."""
    counts: Mapping[str, FloatArray]
    """``<metric>.<column>`` → ``(inputs,)``, in the order of stats.parquet."""

    def counts_of(self, metric: str) -> dict[str, FloatArray]:
        """The columns of one metric; none where it was not computed later."""
        return {name: column for name, column in self.counts.items() if name.startswith(f"{metric}.")}


def read_later_scores(directory: Path, outputs: str) -> LaterScores:
    """Those of a record's directory, empty where there are none. outputs: name of the file of its outputs.

    Raises DamagedStateError when the file is damaged, or of other outputs.
    """
    path = directory / LATER
    if not path.is_file():
        return LaterScores({}, {})
    with reading(path, ADVICE, DamagedStateError):
        content = read_json(path)
        if content["outputs"] != digest(directory / outputs):
            raise DamagedStateError(f"{path}: is of other outputs than {outputs}; {ADVICE}")
        scores = {
            name: {"value": float(score["value"]), "signature": str(score["signature"]), "reason": None}
            for name, score in content["scores"].items()
        }
        counts = {name: np.array(column, dtype=np.float64) for name, column in content["counts"].items()}
        if len({len(column) for column in counts.values()}) > 1:
            raise DamagedStateError(f"{path}: its counts are of different lengths; {ADVICE}")
    return LaterScores(scores, counts)
