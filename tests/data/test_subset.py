"""Subsets: nested, the same everywhere, rebuilt from their ids."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefixrun.data import Corpus, Example, load
from prefixrun.data.subset import choose_examples, select_pairs
from prefixrun.errors import DataError

CORPUS = Corpus(
    "e2e",
    "train",
    tuple(Example(f"train-{n:05d}", f"s{n}", tuple(f"t{n}.{k}" for k in range(1 + n % 3))) for n in range(40)),
    (),
)

EXPECTED = ["train-00005#0", "train-00012#0", "train-00014#0", "train-00019#1"]


@given(st.integers(1, 79), st.integers(1, 79), st.integers(0, 2**32))
def test_subsets_of_one_seed_are_nested(first: int, second: int, seed: int) -> None:
    small, large = sorted((first, second))
    inner, outer = select_pairs(CORPUS, small, 1.0, seed), select_pairs(CORPUS, large, 1.0, seed)
    assert len(inner) == small
    assert set(inner) <= set(outer)


def test_choice_never_changes() -> None:
    """Stored ids of published runs depend on it."""
    assert [pair.id for pair in select_pairs(CORPUS, 4, 1.0, 0)] == EXPECTED


def test_seeds_choose_differently() -> None:
    assert select_pairs(CORPUS, 10, 1.0, 0) != select_pairs(CORPUS, 10, 1.0, 1)


def test_every_pair_is_chosen_about_equally_often() -> None:
    """400 seeds, half the pairs each: 200 +- 10 expected, six standard deviations allowed."""
    times = dict.fromkeys((pair.id for pair in CORPUS.all_pairs()), 0)
    for seed in range(400):
        for pair in select_pairs(CORPUS, CORPUS.pairs // 2, 1.0, seed):
            times[pair.id] += 1
    assert 135 < min(times.values()) <= max(times.values()) < 265


def test_fraction_counts_pairs() -> None:
    assert len(select_pairs(CORPUS, None, 0.25, 3)) == round(CORPUS.pairs * 0.25)
    assert len(select_pairs(CORPUS, None, 1e-9, 3)) == 1


def test_everything_is_the_corpus_in_its_order() -> None:
    assert select_pairs(CORPUS, None, 1.0, 5) == CORPUS.all_pairs()
    assert select_pairs(CORPUS, CORPUS.pairs, 1.0, 5) == CORPUS.all_pairs()


def test_a_pair_carries_its_texts() -> None:
    pair = next(pair for pair in CORPUS.all_pairs() if pair.id == "train-00002#1")
    assert (pair.example_id, pair.source, pair.target) == ("train-00002", "s2", "t2.1")


def test_more_than_there_is_is_refused() -> None:
    with pytest.raises(
        DataError, match=f"e2e/train: {CORPUS.pairs + 1} pairs were asked for and there are {CORPUS.pairs}"
    ):
        select_pairs(CORPUS, CORPUS.pairs + 1, 1.0, 0)


@pytest.mark.shared
def test_the_papers_sizes_on_the_real_training_set(shared: Path) -> None:
    corpus = load("e2e", "train", shared / "data")
    ids = [{pair.id for pair in select_pairs(corpus, size, 1.0, 0)} for size in (50, 100, 200, 500)]
    assert ids[0] < ids[1] < ids[2] < ids[3]


def test_inputs_to_score_are_spread_nested_and_in_their_order() -> None:
    examples = tuple(Example(f"test-{i:05d}", f"input {i}", ("text",)) for i in range(100))
    small, large = choose_examples(examples, 10), choose_examples(examples, 40)
    assert set(small) < set(large)
    assert list(large) == sorted(large, key=lambda example: example.id)
    assert 12 <= sum(example in examples[:50] for example in large) <= 28
    assert choose_examples(examples, None) is choose_examples(examples, 100) is examples
