"""chrF2 (Popović 2015) with sacrebleu's default options: a modern addition, not in the paper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from prefixrun.metrics.base import FloatArray, Metric, References, prefixrun_scorer, signature

ORDERS = 6
_BETA_SQUARED = 4


@dataclass(frozen=True, slots=True)
class Chrf(Metric):
    """chrF2 in per cent: n-grams of 1 to 6 characters, case-sensitive, without white space, the best reference."""

    @property
    def names(self) -> tuple[str, ...]:
        return ("chrF",)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f"{what}{n}" for n in range(1, ORDERS + 1) for what in ("output", "reference", "matches"))

    def prepare(self, references: References) -> list[list[str]]:
        # the n-grams of a whole test set would take hundreds of megabytes, so these are counted anew for each output
        return [["".join(text.split()) for text in texts] for texts in references]

    def count(self, output: str, segment: list[str]) -> list[float]:
        ngrams = _character_ngrams("".join(output.split()))
        # of equally good references max takes the first, as sacrebleu does
        return max((_matches(ngrams, _character_ngrams(reference)) for reference in segment), key=_f_score)

    def aggregate(self, totals: FloatArray) -> dict[str, float]:
        return {"chrF": _f_score([float(total) for total in totals])}

    def signature(self, name: str, references: References) -> str:
        return signature(
            references, "case:mixed", f"nc:{ORDERS}", "nw:0", "space:no", "beta:2", prefixrun_scorer("chrf")
        )


def _character_ngrams(text: str) -> list[Counter[str]]:
    return [Counter(text[i : i + n] for i in range(len(text) - n + 1)) for n in range(1, ORDERS + 1)]


def _matches(output: list[Counter[str]], reference: list[Counter[str]]) -> list[float]:
    """Numbers of n-grams of the output, of the reference and of matches, order by order."""
    row: list[float] = []
    for ngrams, expected in zip(output, reference, strict=True):
        matches = sum(min(count, expected[ngram]) for ngram, count in ngrams.items() if ngram in expected)
        # n-grams of an order that the reference is too short for do not count against the output
        row += [float(ngrams.total() if expected else 0), float(expected.total()), float(matches)]
    return row


def _f_score(row: Sequence[float]) -> float:
    """F with beta 2 of precision and recall, each averaged over the orders that both texts are long enough for."""
    # sacrebleu's effective order: an order without n-grams on a side is no zero but left out of the mean
    orders = [row[i : i + 3] for i in range(0, 3 * ORDERS, 3) if row[i] and row[i + 1]]
    if not orders:
        return 0.0
    precision = sum(matches / output for output, _, matches in orders) / len(orders)
    recall = sum(matches / reference for _, reference, matches in orders) / len(orders)
    if not precision + recall:
        return 0.0
    return 100 * (1 + _BETA_SQUARED) * precision * recall / (_BETA_SQUARED * precision + recall)
