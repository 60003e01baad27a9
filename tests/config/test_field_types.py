"""Which values the types of settings take, and how they say so."""

import pytest

from prefixrun.config.field_types import Range


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        (Range(1), [1, 1e9], [0, -1]),
        (Range(0, above=True), [1e-12], [0, -1e-12]),
        (Range(0, 1, above=True), [1, 0.5], [0, 1.0001]),
        (Range(0, 2**32 - 1), [0, 2**32 - 1], [2**32, -1]),
    ],
    ids=str,
)
def test_a_range_holds_its_ends(bounds: Range, inside: list[float], outside: list[float]) -> None:
    assert all(bounds.contains(value) for value in inside)
    assert not any(bounds.contains(value) for value in outside)


def test_a_range_says_what_it_holds() -> None:
    assert str(Range(1)) == "at least 1"
    assert str(Range(0, 1, above=True)) == "above 0 and at most 1"
    assert str(Range(0, 2**32 - 1)) == "at least 0 and at most 4294967295"


def test_a_number_beyond_any_use_is_beyond_the_limit_where_there_is_no_bound() -> None:
    assert not Range(1).exceeds(1e9)
    assert Range(1).exceeds(2e9)
    assert not Range(0, 5).exceeds(2e9)
