"""Nested random subsets of (source, reference) pairs.

Every pair gets a rank from SHA-256 of the seed and its id, and a subset is the pairs of lowest rank. So the subsets of
one seed are nested (50 in 100 in 200 in 500), and the same on every machine and with every version of every library.
The paper's sampler for E2E is not released; it only says uniform subsamples of the whole training set (section 6.3).
"""

from __future__ import annotations

import hashlib
from typing import TypeVar

from prefixrun.data.example import Corpus, Example, Pair
from prefixrun.errors import DataError

Item = TypeVar("Item", Pair, Example)

SCORED_SEED = 0
"""Seed of the choice of inputs to score."""


def select_pairs(corpus: Corpus, size: int | None, fraction: float, seed: int) -> tuple[Pair, ...]:
    """A uniform subset of the corpus' pairs, in the order of the corpus.

    Args:
        corpus: what to choose from.
        size: number of pairs, or None to go by ``fraction``.
        fraction: share of the pairs in (0, 1], rounded, but never below one pair.
        seed: subsets of different seeds are independent.

    Raises:
        DataError: more pairs asked for than the corpus holds.
    """
    pairs = corpus.all_pairs()
    count = max(1, round(len(pairs) * fraction)) if size is None else size
    if count > len(pairs):
        raise DataError(
            f"{corpus.task}/{corpus.split}: {count} pairs were asked for and there are {len(pairs)}; lower the size"
        )
    return choose(pairs, count, seed)


def choose(items: tuple[Item, ...], count: int, seed: int) -> tuple[Item, ...]:
    """The ``count`` pairs or examples of lowest rank (all when there are not more), in their order."""
    if count >= len(items):
        return items
    chosen = {item.id for item in sorted(items, key=lambda item: _rank(item.id, seed))[:count]}
    return tuple(item for item in items if item.id in chosen)


def choose_examples(examples: tuple[Example, ...], count: int | None) -> tuple[Example, ...]:
    """The ``count`` examples of lowest rank, in their order: spread over the whole part, whatever its order means
    (WebNLG's test part has its unseen categories last), nested, and the same for every run. None takes all."""
    return examples if count is None else choose(examples, count, SCORED_SEED)


def _rank(identifier: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{identifier}".encode()).digest()
