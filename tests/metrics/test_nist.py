import math

import pytest

from prefixrun.metrics.nist import Nist
from scoring import counts_of


def nist_of(hypotheses, references):
    metric = Nist()
    return metric.aggregate(counts_of(metric, references, hypotheses).sum(axis=0))


def test_a_perfect_output_of_different_words_scores_its_unigram_information():
    # each of 4 words carries log2(4) bits, longer n-grams follow from their history: 0 bits
    assert nist_of(["w x y z"], (("w x y z",),))["NIST"] == pytest.approx(2.0, abs=1e-12)


def test_information_counts_every_reference_in_full():
    # tokens: 6; "x" 3 times, "y" 2, "z" 1; "x y" twice after 3 histories
    values = nist_of(["x y"], (("x y z", "x y x"),))
    expected = (math.log2(6 / 3) + math.log2(6 / 2)) / 2 + math.log2(3 / 2) / 1
    penalty = math.exp(math.log(0.5) * (math.log(2 / 3) / math.log(1.5)) ** 2)
    assert penalty == pytest.approx(0.5)
    assert values["NIST"] == pytest.approx(expected * 0.5, abs=1e-12)


def test_the_two_reference_lengths():
    # mean of the means 3 + 6 = 9; mteval: 12 tokens / 1.5 references a segment = 8
    references = (("a b", "a b c d"), ("e f g h i j",))
    metric = Nist()
    totals = counts_of(metric, references, ["a b", "e f g h"]).sum(axis=0)
    counts = dict(zip(metric.columns, totals, strict=True))
    assert counts["output_length"] == 6
    assert counts["mean_reference_length"] == 9
    assert counts["reference_tokens"] * counts["segments"] / counts["references"] == 8
    values = metric.aggregate(totals)
    beta = math.log(2) / math.log(1.5) ** 2
    ratio = math.exp(-beta * (math.log(6 / 9) ** 2 - math.log(6 / 8) ** 2))
    assert values["NIST"] / values["NIST_mteval"] == pytest.approx(ratio, abs=1e-12)


def test_equal_numbers_of_references_give_equal_values():
    values = nist_of(["a b", "c"], (("a b c", "a"), ("c d", "d e f g")))
    assert values["NIST"] == pytest.approx(values["NIST_mteval"], abs=1e-12)
    assert values["NIST"] > 0


def test_mteval_takes_a_history_of_zero_for_none():
    values = nist_of(["0 5"], (("0 5",),))
    assert values["NIST"] == pytest.approx(1.0, abs=1e-12)  # 1 bit a word, the bigram adds 0
    assert values["NIST_mteval"] == pytest.approx(2.0, abs=1e-12)  # the bigram counts log2(2 / 1)


def test_reference_order_does_not_matter():
    one = nist_of(["a b c", "d"], (("a b", "b c", "c a b"), ("d e", "d")))
    two = nist_of(["a b c", "d"], (("c a b", "a b", "b c"), ("d", "d e")))
    assert one == pytest.approx(two, abs=1e-12)


def test_empty_and_short_outputs():
    assert nist_of(["", ""], (("a b",), ("c",))) == {"NIST": 0.0, "NIST_mteval": 0.0}
    assert 0 < nist_of(["a", ""], (("a b",), ("c",)))["NIST"] < 2
