from itertools import product

import numpy as np
import pytest
from sacrebleu.metrics.ter import TER

from prefixrun.metrics.tercom import edits


def pairs():
    """All texts of up to three words, and longer ones that are the same every day.

    No rule for all longer texts, as sacrebleu is not tercom: `d b d c` against `d a c d b a` has 4 edits, 3 there.
    """
    short = [text for length in (1, 2, 3) for text in product("abc", repeat=length)]
    yield from product(short, short)
    random = np.random.default_rng(0)
    for _ in range(500):
        yield tuple(tuple(random.choice(list("abcde"), size=random.integers(4, 9)).tolist()) for _ in range(2))


def test_short_texts_have_as_many_edits_as_in_sacrebleu():
    ter = TER()
    different = [
        (output, reference)
        for output, reference in pairs()
        if edits(output, reference) != ter.sentence_score(" ".join(output), [" ".join(reference)]).num_edits
    ]
    assert different == []


@pytest.mark.parametrize(
    ("output", "reference", "expected"),
    [
        ("a b c d", "a b c d", 0),
        ("c d a b", "a b c d", 1),  # one shift of two words
        ("d a b c", "a b c d", 1),  # to the end
        ("a c b d", "a b c d", 1),
        ("a x c d", "a b c d", 1),  # substitution
        ("a b c d e f", "a b c d", 2),
        ("c d a b x", "a b c d", 2),  # shift and deletion
        ("", "a b c", 3),
        ("a b", "", 2),
        ("", "", 0),
    ],
)
def test_edits(output, reference, expected):
    assert edits(tuple(output.split()), tuple(reference.split())) == expected


def test_spans_longer_than_ten_words_move_in_parts():
    span = tuple(f"w{i}" for i in range(12))
    rest = tuple(f"v{i}" for i in range(20))
    assert edits(rest[:10] + span[:10], span[:10] + rest[:10]) == 1
    assert edits(rest + span, span + rest) == 2


def test_spans_move_at_most_fifty_words():
    rest = tuple(f"v{i}" for i in range(60))
    assert edits(("x", *rest[:50]), (*rest[:50], "x")) == 1
    assert edits(("x", *rest), (*rest, "x")) == 2
