import math

import pytest

from prefixrun.metrics.cider import Cider
from scoring import counts_of


def cider_of(hypotheses, references):
    metric = Cider()
    return metric.aggregate(counts_of(metric, references, hypotheses).sum(axis=0))["CIDEr"]


TEXTS = ("the mill serves french food", "a cheap pub called cotto")


def test_perfect_outputs_score_ten():
    assert cider_of(list(TEXTS), tuple((text,) for text in TEXTS)) == pytest.approx(10.0, abs=1e-12)


def test_one_segment_has_no_rare_words():
    assert cider_of([TEXTS[0]], ((TEXTS[0],),)) == 0.0


def test_words_of_every_segment_weigh_nothing():
    # "pub" is in the references of both segments; of the unigrams only "a" and "b" carry weight
    value = cider_of(["pub a", "pub"], (("pub a",), ("pub b",)))
    # first: cosine 1 for n = 1 and 2, no longer n-grams; second: "pub" weighs 0, norm 0
    assert value == pytest.approx(10 * ((1 + 1) / 4 + 0) / 2, abs=1e-12)


def test_length_penalty_counts_bigrams():
    references = (("a b c d e f",), ("x y",))
    value = cider_of(["a b", "q"], references)
    weight = math.log(2)
    cosine1 = 2 * weight**2 / (math.sqrt(2) * weight * math.sqrt(6) * weight)
    cosine2 = weight**2 / (weight * math.sqrt(5) * weight)
    expected = 10 * (cosine1 + cosine2) / 4 * math.exp(-((5 - 1) ** 2) / (2 * 6**2)) / 2
    assert value == pytest.approx(expected, abs=1e-12)


def test_repeated_words_are_clipped():
    references = (("a b",), ("x y",))
    once, often = cider_of(["a", "q"], references), cider_of(["a a a a", "q"], references)
    assert often < once


def test_empty_outputs():
    assert cider_of(["", ""], (("a",), ("b",))) == 0.0


def test_is_not_a_mean_over_shards():
    texts = (*TEXTS, "the eagle is a pub", "the eagle is cheap")
    references = tuple((text,) for text in texts)
    hypotheses = ["the mill food", "a pub called cotto", "the pub", "the eagle"]
    whole = cider_of(hypotheses, references)
    shards = [cider_of(hypotheses[:2], references[:2]), cider_of(hypotheses[2:], references[2:])]
    assert abs(whole - sum(shards) / 2) > 0.1
