"""Nested random subsets of (source, reference) pairs.

Every pair gets a rank from SHA-256 of the seed and its id, and a subset is the pairs of lowest rank. So the subsets of
one seed are nested (50 in 100 in 200 in 500), and the same on every machine and with every version of every library.
The paper's sampler for E2E is not released; it only says uniform subsamples of the whole training set (section 6.3).
"""

from __future__ import annotations

import hashlib

from prefixrun.data.example import Corpus, Example, Pair
from prefixrun.errors import DataError

SCORED_SEED = 0
"""Seed of the choice of inputs to score."""


def select_pairs(corpus: Corpus, size: int | None, fraction: float, seed: int) -> tuple[Pair, ...]:
    """A uniform subset of the corpus' pairs, in the order of the corpus.

    Args:
        corpus: what to choose from.
        size: number of pairs, or None to go by ``fraction``.
        fraction: share of the pairs in (0, 1], rounded, but never below one pair; must be 1 if ``size`` is set.
        seed: subsets of different seeds are independent.

    Raises:
        DataError: more pairs asked for than the corpus holds.
        ValueError: ``size`` or ``fraction`` out of range, or both of them set.
    """
    pairs = corpus.all_pairs()
    if not 0 < fraction <= 1 or (size is not None and (size < 1 or fraction != 1)):
        raise ValueError(
            f"size={size} fraction={fraction}: give a size of at least 1 or a fraction in (0, 1], not both"
        )
    count = max(1, round(len(pairs) * fraction)) if size is None else size
    if count > len(pairs):
        raise DataError(
            f"{corpus.task}/{corpus.split}: {count} pairs were asked for and there are {len(pairs)}; lower the size"
        )
    return choose(pairs, count, seed)


def choose(pairs: tuple[Pair, ...], count: int, seed: int) -> tuple[Pair, ...]:
    """The ``count`` pairs of lowest rank (all when there are not more), in their order."""
    if count >= len(pairs):
        return pairs
    chosen = {pair.id for pair in sorted(pairs, key=lambda pair: _rank(pair.id, seed))[:count]}
    return tuple(pair for pair in pairs if pair.id in chosen)


def choose_examples(examples: tuple[Example, ...], count: int | None) -> tuple[Example, ...]:
    """The ``count`` examples of lowest rank, in their order: spread over the whole part, whatever its order means
    (WebNLG's test part has its unseen categories last), nested, and the same for every run. None takes all."""
    if count is None or count >= len(examples):
        return examples
    chosen = {example.id for example in sorted(examples, key=lambda example: _rank(example.id, SCORED_SEED))[:count]}
    return tuple(example for example in examples if example.id in chosen)


def _rank(identifier: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{identifier}".encode()).digest()
