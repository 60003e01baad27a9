from collections import Counter

from prefixrun.metrics.ngrams import largest_counts, ngram_counts


def test_counts_of_all_orders():
    assert ngram_counts(["a", "b", "a", "b"], 3) == Counter(
        {("a",): 2, ("b",): 2, ("a", "b"): 2, ("b", "a"): 1, ("a", "b", "a"): 1, ("b", "a", "b"): 1}
    )


def test_texts_shorter_than_the_longest_order():
    assert ngram_counts(["a"], 4) == Counter({("a",): 1})
    assert ngram_counts([], 4) == Counter()


def test_largest_count_in_any_one_text():
    assert largest_counts([Counter({("a",): 1, ("b",): 3}), Counter({("a",): 2})]) == {("a",): 2, ("b",): 3}
