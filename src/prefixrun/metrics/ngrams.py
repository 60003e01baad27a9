"""Word n-grams, their counts, and the tokens of NIST's mteval-v13a."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from sacrebleu.metrics.bleu import BLEU

Ngram = tuple[str, ...]

_tokenise_13a = BLEU(tokenize="13a").tokenizer


def tokens_13a(text: str) -> list[str]:
    """Lower-cased 13a tokens, as sacrebleu's ``tokenize="13a", lowercase=True`` takes them."""
    tokens: str = _tokenise_13a(text.lower().rstrip())
    return tokens.split()


def ngram_counts(tokens: Sequence[str], longest: int) -> Counter[Ngram]:
    """Counts of all n-grams of 1 to ``longest`` tokens."""
    words = tuple(tokens)
    size = len(words)
    return Counter(words[i : i + n] for n in range(1, longest + 1) for i in range(size - n + 1))


def largest_counts(counts: Iterable[Counter[Ngram]]) -> dict[Ngram, int]:
    """The largest count that each n-gram has in any one of the texts."""
    largest: dict[Ngram, int] = {}
    for one in counts:
        for ngram, count in one.items():
            if count > largest.get(ngram, 0):
                largest[ngram] = count
    return largest
