import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefixrun.metrics.rouge_l import RougeL, common_subsequence
from scoring import counts_of

words = st.lists(st.sampled_from("abcd"), max_size=10)


def slow_common_subsequence(a, b):
    row = [0] * (len(b) + 1)
    for x in a:
        before = row[:]
        for j, y in enumerate(b, start=1):
            row[j] = before[j - 1] + 1 if x == y else max(before[j], row[j - 1])
    return row[-1]


@given(words, words)
def test_bit_parallel_subsequence(a, b):
    assert common_subsequence(a, b) == slow_common_subsequence(a, b)


def test_subsequence_of_long_texts():
    assert common_subsequence(["a"] * 100, ["a", "b"] * 90) == 90


def rouge_l_of(hypotheses, references):
    metric = RougeL()
    return metric.aggregate(counts_of(metric, references, hypotheses).sum(axis=0))["ROUGE_L"]


def test_precision_and_recall_may_come_from_different_references():
    # against the first: LCS 3 of 4 and 3 of 6; against the second: 2 of 4 and 2 of 2
    value = rouge_l_of(["the mill serves food"], (("the mill that always serves fish", "mill food"),))
    precision, recall, beta = 3 / 4, 1.0, 1.2
    assert value == pytest.approx(100 * (1 + beta**2) * precision * recall / (recall + beta**2 * precision), abs=1e-9)


def test_mean_over_segments_and_punctuation_left_out():
    assert rouge_l_of(["The Mill.", "pub"], (("the mill",), ("restaurant",))) == pytest.approx(50.0, abs=1e-12)


def test_an_empty_text_counts_as_one_empty_word():
    assert rouge_l_of([""], (("a b",),)) == 0.0
    assert rouge_l_of(["."], (("!",),)) == 100.0
