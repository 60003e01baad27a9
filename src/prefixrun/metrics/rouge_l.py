"""ROUGE_L as in the COCO caption code that the E2E script calls (not the F1 of rouge-score)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prefixrun.metrics.base import FloatArray, Metric, Reads, References, prefixrun_scorer, signature
from prefixrun.metrics.preparation import PTB

_BETA = 1.2


@dataclass(frozen=True, slots=True)
class RougeL(Metric):
    """Mean over segments, in per cent, of F with beta 1.2 of the best precision and the best recall."""

    @property
    def names(self) -> tuple[str, ...]:
        return ("ROUGE_L",)

    @property
    def columns(self) -> tuple[str, ...]:
        return ("f", "segments")

    @property
    def reads(self) -> Reads:
        return "words between blanks"

    def prepare(self, references: References) -> list[list[tuple[str, ...]]]:
        # an empty text counts as one empty word, as in the COCO code
        return [[tuple(text.split(" ")) for text in texts] for texts in PTB.references(references)]

    def count(self, output: str, segment: list[tuple[str, ...]]) -> tuple[float, float]:
        words = tuple(PTB.output(output).split(" "))
        lengths = [common_subsequence(words, reference) for reference in segment]
        precision = max(lengths) / len(words)
        # the best precision and recall may be of different references, as in the COCO code
        recall = max(length / len(reference) for length, reference in zip(lengths, segment, strict=True))
        weight = _BETA**2
        f = (1 + weight) * precision * recall / (recall + weight * precision) if precision * recall else 0.0
        return f, 1.0

    def aggregate(self, totals: FloatArray) -> dict[str, float]:
        return {"ROUGE_L": 100 * float(totals[0] / totals[1])}

    def signature(self, name: str, references: References) -> str:
        return signature(references, "case:lc", "tok:ptb", f"beta:{_BETA}", prefixrun_scorer("rouge_l"))


def common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence; one bit of an integer for each word of ``a`` (Hyyrö 2004)."""
    positions: dict[str, int] = {}
    for i, word in enumerate(a):
        positions[word] = positions.get(word, 0) | (1 << i)
    everything = (1 << len(a)) - 1
    unmatched = everything
    for word in b:
        # Zero bits are the ends of common subsequences. In each block between two of them, the sum's carry clears the
        # lowest bit that matches the word and sets the old end again, so that every end moves as far left as it can.
        matches = unmatched & positions.get(word, 0)
        unmatched = ((unmatched + matches) | (unmatched - matches)) & everything
    return len(a) - unmatched.bit_count()
