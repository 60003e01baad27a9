"""Corpus BLEU (Papineni et al. 2002) of the E2E script (13a tokens) and of multi-bleu.perl (words at white space).

Every value equals sacrebleu's ``BLEU(...).corpus_score`` with the same tokenisation; only the counts per segment are
made here, the final formula is sacrebleu's.
"""

from __future__ import annotations

from dataclasses import dataclass

import sacrebleu
from sacrebleu.metrics.bleu import BLEU

from prefixrun.metrics.base import FloatArray, Metric, Reads, References, signature
from prefixrun.metrics.ngrams import Ngram, largest_counts, ngram_counts
from prefixrun.metrics.preparation import CASED, CHARACTERS, Preparation

ORDERS = 4
_Counts = tuple[dict[Ngram, int], tuple[int, ...]]
"""The clipping counts of a segment and its different reference lengths, ascending."""


@dataclass(frozen=True, slots=True)
class Bleu(Metric):
    """BLEU in per cent, exponential smoothing (it acts only where no n-gram of an order matches at all).

    Up to ``padded_to`` references, missing ones count as empty texts of length 0: so multi-bleu.perl sees the blank
    lines of its reference files.
    """

    preparation: Preparation
    padded_to: int = 0
    name: str = "BLEU"
    cased: bool = False
    """Whether capitals count, as by sacrebleu's default."""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def columns(self) -> tuple[str, ...]:
        orders = range(1, ORDERS + 1)
        return ("output_length", "reference_length", *(f"matches{n}" for n in orders), *(f"ngrams{n}" for n in orders))

    @property
    def reads(self) -> Reads:
        return "any writing" if self.preparation is CHARACTERS else "words between blanks"

    def prepare(self, references: References) -> list[_Counts]:
        padding = min(self.padded_to, max(map(len, references), default=0))
        segments = []
        for texts in self.preparation.references(references):
            tokens = [self._words(text) for text in texts]
            lengths = [len(words) for words in tokens] + [0] * (padding - len(texts))
            largest = largest_counts(ngram_counts(words, ORDERS) for words in tokens)
            segments.append((largest, tuple(sorted(set(lengths)))))
        return segments

    def count(self, output: str, segment: _Counts) -> list[float]:
        largest, lengths = segment
        tokens = self._words(self.preparation.output(output))
        size = len(tokens)
        # of equally near lengths min takes the first, and they ascend: the shorter reference counts
        row = [size, min(lengths, key=lambda length: abs(length - size)), *[0.0] * (2 * ORDERS)]
        # an n-gram matches at most as often as it stands in any single reference
        for ngram, count in ngram_counts(tokens, ORDERS).items():
            row[1 + len(ngram)] += min(count, largest.get(ngram, 0))
            row[1 + ORDERS + len(ngram)] += count
        return row

    def _words(self, text: str) -> list[str]:
        return (text if self.cased else text.lower()).split()

    def aggregate(self, totals: FloatArray) -> dict[str, float]:
        counts = [int(total) for total in totals]
        score = BLEU.compute_bleu(
            correct=counts[2 : 2 + ORDERS],
            total=counts[2 + ORDERS :],
            sys_len=counts[0],
            ref_len=counts[1],
            smooth_method="exp",
        )
        return {self.name: float(score.score)}

    def signature(self, name: str, references: References) -> str:
        padding = (f"missing-refs:empty-to-{self.padded_to}",) if self.padded_to else ()
        rest = ("smooth:exp", f"scorer:sacrebleu-{sacrebleu.__version__}")
        case, tokens = "mixed" if self.cased else "lc", self.preparation.name.removesuffix(CASED)
        return signature(references, f"case:{case}", f"tok:{tokens}", *padding, *rest)
