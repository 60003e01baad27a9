"""The official scorers of the paper's tasks: outputs and references in, scores with signatures out. No torch here."""

from prefixrun.metrics.base import SEMANTICS, Score
from prefixrun.metrics.suite import CHOICES, SUITES, Evaluation, aggregate, evaluate, score, suite

__all__ = ["CHOICES", "SEMANTICS", "SUITES", "Evaluation", "Score", "aggregate", "evaluate", "score", "suite"]
