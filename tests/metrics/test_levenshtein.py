import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefixrun.metrics import levenshtein
from prefixrun.metrics.levenshtein import align, beam_distance, distances

words = st.lists(st.integers(0, 4), min_size=1, max_size=12)


def slow_distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        before, row = row, [i]
        for j, y in enumerate(b, start=1):
            row.append(min(before[j - 1] + (x != y), before[j] + 1, row[j - 1] + 1))
    return row[-1]


def numbered(output, reference):
    """The reference's words as 0, 1, ..; the output's others as -1."""
    numbers = {word: number for number, word in enumerate(dict.fromkeys(reference))}
    return [numbers.get(word, -1) for word in output], [numbers[word] for word in reference]


@given(words, words)
def test_bit_parallel_distances(output, reference):
    current, target = numbered(output, reference)
    expected = slow_distance(output, reference)
    assert distances([current, current[::-1]], target) == [expected, slow_distance(output[::-1], reference)]


@pytest.mark.parametrize("length", [63, 64, 65, 130])
def test_references_at_and_beyond_the_width_of_a_machine_word(length):
    reference = [i % 7 for i in range(length)]
    output = [(3 * i) % 8 for i in range(length - 5)]
    current, target = numbered(output, reference)
    assert distances([current], target) == [slow_distance(output, reference)]


@given(words, words)
def test_alignment_has_as_many_edits_as_the_distance(output, reference):
    current, target = numbered(output, reference)
    edits = align(current, target, slow_distance(output, reference))
    assert len(edits) - edits.count("match") == slow_distance(output, reference)
    assert len(edits) - edits.count("missing") == len(output)
    assert len(edits) - edits.count("extra") == len(reference)


def test_alignment_prefers_substitutions_then_extra_words():
    assert align([0, -1], [0, 1], 1) == ["match", "substitution"]
    # read from the end: the last words are substituted, the first one of the output is extra
    assert align([-1, -1, 0], [0], 2) == ["extra", "extra", "match"]
    assert align([-1, -1], [0], 2) == ["extra", "substitution"]


@given(words, words)
def test_the_alignment_by_bits_is_that_of_the_table(output, reference):
    """Below the beam's width both must take the same of several shortest paths."""
    current, target = numbered(output, reference)
    assert levenshtein._align_bits(current, target) == levenshtein._align_table(current, target)


def test_the_beam_changes_nothing_below_its_width():
    assert beam_distance([-1] * 20, [0] * 20, exact=20) == 20


def test_the_beam_can_lose_the_shortest_path():
    # the shortest path begins with 25 missing words: after one word it is more than 20 above a substitution
    reference = list(range(55))
    output = reference[25:]
    assert distances([output], reference) == [25]
    assert beam_distance(output, reference, exact=25) == 55
    # with 20 missing words it is kept
    reference = list(range(50))
    assert beam_distance(reference[20:], reference, exact=21) == 20


def test_the_beam_keeps_paths_within_its_width():
    reference = list(range(60))
    output = [-1 if i % 2 else i for i in range(60)]
    assert beam_distance(output, reference, exact=30) == 30
