"""Pairs of a corpus: their ids and their order."""

from prefixrun.data.example import Corpus, Example, Pair


def test_pairs_are_numbered_within_their_example() -> None:
    examples = (Example("dev-0", "a", ("x", "y")), Example("dev-1", "b", ("z",)))
    corpus = Corpus("e2e", "dev", examples, ())
    assert corpus.pairs == 3
    assert corpus.all_pairs() == (
        Pair("dev-0#0", "dev-0", "a", "x"),
        Pair("dev-0#1", "dev-0", "a", "y"),
        Pair("dev-1#0", "dev-1", "b", "z"),
    )
