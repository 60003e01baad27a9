"""TER (Snover et al. 2006) with exactly the search of tercom 0.7.25, the scorer of WebNLG 2017 and DART.

sacrebleu's TER is neither equal (it caps the candidate shifts and has another beam) nor fast.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from prefixrun.metrics.base import FloatArray, Metric, Reads, References, prefixrun_scorer, signature
from prefixrun.metrics.preparation import Preparation
from prefixrun.metrics.tercom import Words, edits


@dataclass(frozen=True, slots=True)
class Ter(Metric):
    """Edits to the nearest reference over the mean reference length, both summed over segments; a fraction.

    Empty references are left out, but for the first.
    """

    preparation: Preparation

    @property
    def names(self) -> tuple[str, ...]:
        return ("TER",)

    @property
    def columns(self) -> tuple[str, ...]:
        return ("edits", "mean_reference_length")

    @property
    def reads(self) -> Reads:
        return "words between blanks"

    def prepare(self, references: References) -> list[tuple[Words, ...]]:
        segments: list[tuple[Words, ...]] = []
        for texts in self.preparation.references(references):
            first, *others = map(_words, texts)
            segments.append((first, *(words for words in others if words)))
        return segments

    def count(self, output: str, segment: tuple[Words, ...]) -> tuple[float, float]:
        return _fewest_edits(_words(self.preparation.output(output)), segment), sum(map(len, segment)) / len(segment)

    def aggregate(self, totals: FloatArray) -> dict[str, float]:
        edits, length = (float(total) for total in totals)
        return {"TER": edits / length if length else float(edits > 0)}

    def signature(self, name: str, references: References) -> str:
        scorer = prefixrun_scorer("ter")
        return signature(references, "case:lc", f"tok:{self.preparation.name}", "search:tercom-0.7.25", scorer)


def _words(text: str) -> Words:
    return tuple(text.lower().split())


def _fewest_edits(output: Words, references: tuple[Words, ...]) -> int:
    """Edits to the nearest reference; references that cannot be nearer are not searched."""
    bounds = sorted((_lower_bound(output, reference), reference) for reference in references)
    fewest = edits(output, bounds[0][1])
    for bound, reference in bounds[1:]:
        if bound >= fewest:
            break
        fewest = min(fewest, edits(output, reference))
    return fewest


def _lower_bound(output: Words, reference: Words) -> int:
    """Edits that no order of the words can save: the longer text's words without a partner in the other."""
    return max(len(output), len(reference)) - (Counter(output) & Counter(reference)).total()
