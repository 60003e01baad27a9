"""Exact match: the share of outputs that are one of their references."""

from __future__ import annotations

from dataclasses import dataclass

from prefixrun.data.text_io import one_line
from prefixrun.metrics.base import FloatArray, Metric, References, prefixrun_scorer, signature


@dataclass(frozen=True, slots=True)
class ExactMatch(Metric):
    """In per cent; capitals and signs count, runs of white space are one blank."""

    @property
    def names(self) -> tuple[str, ...]:
        return ("EM",)

    @property
    def columns(self) -> tuple[str, ...]:
        return ("matches", "outputs")

    def prepare(self, references: References) -> list[frozenset[str]]:
        return [frozenset(map(one_line, texts)) for texts in references]

    def count(self, output: str, segment: frozenset[str]) -> tuple[float, float]:
        return float(one_line(output) in segment), 1.0

    def aggregate(self, totals: FloatArray) -> dict[str, float]:
        matches, outputs = totals
        return {"EM": 100 * float(matches / outputs)}

    def signature(self, name: str, references: References) -> str:
        return signature(references, "case:mixed", "space:squeezed", prefixrun_scorer("exact_match"))
