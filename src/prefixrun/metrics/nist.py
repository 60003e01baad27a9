"""NIST (Doddington 2002) with the two reference lengths that are in use for E2E.

``NIST`` takes the sum over segments of the mean reference length, as the Python port of the E2E script that the paper
ran; ``NIST_mteval`` takes (all reference tokens) / (mean number of references), as Perl's mteval-v13a, whose values the
challenge's papers print. Both are equal where every segment has equally many references.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import sacrebleu

from prefixrun.metrics.base import FloatArray, Metric, Reads, References, prefixrun_scorer, signature
from prefixrun.metrics.ngrams import Ngram, largest_counts, ngram_counts
from prefixrun.metrics.preparation import MTEVAL_13A

ORDERS = 5
_BETA = math.log(2) / math.log(1.5) ** 2
"""Makes the penalty 0.5 for an output of two thirds of the reference length."""


@dataclass(frozen=True, slots=True)
class _Segment:
    largest: dict[Ngram, int]
    lengths: list[int]
    information: dict[Ngram, float]
    """Bits of each n-gram in the whole corpus; this and the next are one object for all segments."""
    information_mteval: dict[Ngram, float]
    """Only the bigrams that mteval weighs in its own way."""


@dataclass(frozen=True, slots=True)
class Nist(Metric):
    """NIST over lower-cased 13a tokens, n-grams of 1 to 5 words."""

    @property
    def names(self) -> tuple[str, ...]:
        return ("NIST", "NIST_mteval")

    @property
    def columns(self) -> tuple[str, ...]:
        orders = range(1, ORDERS + 1)
        lengths = ("output_length", "mean_reference_length", "reference_tokens", "references", "segments")
        return (*lengths, *(f"ngrams{n}" for n in orders), *(f"info{n}" for n in orders), "info2_mteval")

    @property
    def reads(self) -> Reads:
        return "words between blanks"

    def prepare(self, references: References) -> list[_Segment]:
        in_all_references: Counter[Ngram] = Counter()
        segments = []
        for texts in MTEVAL_13A.references(references):
            tokens = [text.split() for text in texts]
            counts = [ngram_counts(words, ORDERS) for words in tokens]
            # information is counted over every reference in full, matches are clipped by the largest single count
            for ngrams in counts:
                in_all_references.update(ngrams)
            segments.append((largest_counts(counts), [len(words) for words in tokens]))
        information, mteval = _information(in_all_references), _information_mteval(in_all_references)
        return [_Segment(largest, lengths, information, mteval) for largest, lengths in segments]

    def count(self, output: str, segment: _Segment) -> list[float]:
        tokens = MTEVAL_13A.output(output).split()
        lengths = segment.lengths
        row = [len(tokens), sum(lengths) / len(lengths), sum(lengths), len(lengths), 1.0, *[0.0] * (2 * ORDERS + 1)]
        for ngram, count in ngram_counts(tokens, ORDERS).items():
            order = len(ngram)
            row[4 + order] += count
            matches = min(count, segment.largest.get(ngram, 0))
            if not matches:
                continue
            information = segment.information[ngram]
            row[4 + ORDERS + order] += matches * information
            if order == 2:
                row[-1] += matches * segment.information_mteval.get(ngram, information)
        return row

    def aggregate(self, totals: FloatArray) -> dict[str, float]:
        length, mean_length, tokens, references, segments = (float(total) for total in totals[:5])
        # 1. per order: information of the matching n-grams over the number of output n-grams (0 / 0 counts as 0)
        ngrams = np.maximum(totals[5 : 5 + ORDERS], 1.0)
        info = totals[5 + ORDERS : 5 + 2 * ORDERS]
        info_mteval = info.copy()
        info_mteval[1] = totals[-1]
        # 2. mteval's reference length: all reference tokens over the mean number of references of a segment
        mteval_length = tokens * segments / references
        # 3. the sum over the orders times the penalty for short outputs
        return {
            "NIST": float((info / ngrams).sum()) * _penalty(length, mean_length),
            "NIST_mteval": float((info_mteval / ngrams).sum()) * _penalty(length, mteval_length),
        }

    def signature(self, name: str, references: References) -> str:
        length = "mean" if name == "NIST" else "mteval"
        tokens = f"tok:13a-sacrebleu-{sacrebleu.__version__}"
        return signature(
            references, "case:lc", tokens, f"n:{ORDERS}", f"reference-length:{length}", prefixrun_scorer("nist")
        )


def _information(counts: Counter[Ngram]) -> dict[Ngram, float]:
    """Bits of each n-gram: log2(count of its first n - 1 words / its count), for a word log2(tokens / its count).

    As in compute_ngram_info of mteval-v13a.pl.
    """
    tokens = _tokens(counts)
    return {
        ngram: math.log2((counts[ngram[:-1]] if len(ngram) > 1 else tokens) / count) for ngram, count in counts.items()
    }


def _information_mteval(counts: Counter[Ngram]) -> dict[Ngram, float]:
    """Bigrams after the word "0", which Perl takes for false and so for no history at all."""
    tokens = _tokens(counts)
    return {ngram: math.log2(tokens / count) for ngram, count in counts.items() if len(ngram) == 2 and ngram[0] == "0"}


def _tokens(counts: Counter[Ngram]) -> int:
    return sum(count for ngram, count in counts.items() if len(ngram) == 1)


def _penalty(output_length: float, reference_length: float) -> float:
    """exp(-beta ln(min(1, output / reference))^2): 1 from the reference length on, 0 if all outputs are empty."""
    if output_length <= 0:
        return 0.0
    if output_length >= reference_length:
        return 1.0
    return math.exp(-_BETA * math.log(output_length / reference_length) ** 2)
