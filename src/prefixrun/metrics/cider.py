"""CIDEr-D (Vedantam et al. 2015) as in the COCO caption code that the E2E script calls."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from prefixrun.metrics.base import FloatArray, Metric, Reads, References, prefixrun_scorer, signature
from prefixrun.metrics.ngrams import Ngram, ngram_counts
from prefixrun.metrics.preparation import PTB

ORDERS = 4
_SIGMA = 6.0


@dataclass(frozen=True, slots=True)
class _Vector:
    """A text as the weighted counts (tf-idf) of its n-grams of 1 to 4 words."""

    values: dict[Ngram, float]
    norms: tuple[float, ...]
    """Euclidean norm of the n-grams of each order, ``(ORDERS,)``."""
    bigrams: int
    """Number of bigrams, which the COCO code takes for the length."""


@dataclass(frozen=True, slots=True)
class _Segment:
    references: list[_Vector]
    weights: dict[Ngram, float]
    """Inverse document frequencies in the whole corpus, one object for all segments."""
    unseen: float
    """Weight of an n-gram that no reference has."""


@dataclass(frozen=True, slots=True)
class Cider(Metric):
    """Mean over segments, times 10.

    The weights of the n-grams come from the references of the whole corpus: a part of the corpus is another scale, so
    neither parts nor shards may be averaged, and a corpus of one segment has the value 0.
    """

    @property
    def names(self) -> tuple[str, ...]:
        return ("CIDEr",)

    @property
    def columns(self) -> tuple[str, ...]:
        return ("similarity", "segments")

    @property
    def reads(self) -> Reads:
        return "words between blanks"

    def prepare(self, references: References) -> list[_Segment]:
        # unlike ROUGE_L, the COCO code splits at no-break spaces too, so that a telephone number is several words
        counts = [[ngram_counts(text.split(), ORDERS) for text in texts] for texts in PTB.references(references)]
        # document frequency: the number of segments with the n-gram in any of their references
        frequency: Counter[Ngram] = Counter()
        for segment in counts:
            frequency.update({ngram for text in segment for ngram in text})
        # inverse document frequency; an n-gram of no reference weighs as one of a single segment: ln N - ln 1
        unseen = math.log(len(references))
        weights = {ngram: unseen - math.log(count) for ngram, count in frequency.items()}
        return [_Segment([_vector(text, weights, unseen) for text in texts], weights, unseen) for texts in counts]

    def count(self, output: str, segment: _Segment) -> tuple[float, float]:
        vector = _vector(ngram_counts(PTB.output(output).split(), ORDERS), segment.weights, segment.unseen)
        references = segment.references
        return sum(_similarity(vector, reference) for reference in references) / len(references), 1.0

    def aggregate(self, totals: FloatArray) -> dict[str, float]:
        return {"CIDEr": 10 * float(totals[0] / totals[1])}

    def signature(self, name: str, references: References) -> str:
        return signature(
            references, "case:lc", "tok:ptb", f"n:{ORDERS}", f"sigma:{_SIGMA:g}", prefixrun_scorer("cider")
        )


def _vector(counts: Counter[Ngram], weights: dict[Ngram, float], unseen: float) -> _Vector:
    values = {ngram: count * weights.get(ngram, unseen) for ngram, count in counts.items()}
    squares = [0.0] * ORDERS
    bigrams = 0
    for ngram, value in values.items():
        squares[len(ngram) - 1] += value * value
        if len(ngram) == 2:
            bigrams += counts[ngram]
    return _Vector(values, tuple(math.sqrt(square) for square in squares), bigrams)


def _similarity(output: _Vector, reference: _Vector) -> float:
    """Mean over the orders of the clipped cosine, damped by the difference in length (CIDEr-D)."""
    # 1. per order the product of the vectors, where repeating an n-gram gains nothing beyond the reference's count
    products = [0.0] * ORDERS
    for ngram, value in output.values.items():
        expected = reference.values.get(ngram)
        if expected is not None:
            products[len(ngram) - 1] += min(value, expected) * expected
    # 2. over both norms; an order whose n-grams all weigh nothing, or that is missing, has similarity 0
    cosines = (
        product / (output_norm * reference_norm) if output_norm and reference_norm else 0.0
        for product, output_norm, reference_norm in zip(products, output.norms, reference.norms, strict=True)
    )
    # 3. the Gaussian penalty for a difference in length
    difference = output.bigrams - reference.bigrams
    return sum(cosines) / ORDERS * math.exp(-(difference**2) / (2 * _SIGMA**2))
