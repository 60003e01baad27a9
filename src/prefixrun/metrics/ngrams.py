"""Word n-grams and their counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

Ngram = tuple[str, ...]


def ngram_counts(tokens: Sequence[str], longest: int) -> Counter[Ngram]:
    """Counts of all n-grams of 1 to ``longest`` tokens."""
    words = tuple(tokens)
    size = len(words)
    return Counter(words[i : i + n] for n in range(1, longest + 1) for i in range(size - n + 1))


def largest_counts(counts: Iterable[Counter[Ngram]]) -> dict[Ngram, int]:
    """The largest count that each n-gram has in any one of the texts."""
    largest: dict[Ngram, int] = {}
    for text in counts:
        for ngram, count in text.items():
            if count > largest.get(ngram, 0):
                largest[ngram] = count
    return largest
