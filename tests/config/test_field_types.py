"""Which values the types of settings take, and how they say so."""

import pytest

from prefixrun.config.field_types import LayerChoice, Range, layers_of


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


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        *(
            (2, 2),
            ("2", 2),
            ("0-14", "0-14"),
            ("0-29/2", "0-28/2"),
            ("00-14", "0-14"),
            ("0-14/1", "0-14"),
            ("3-4/2", "3-3"),
            ("3-3", "3-3"),
            ("5-3", None),
            ("1-2/0", None),
        ),
        *((0, None), (True, None), ("-1", None), ("1-", None), ("1,2", None), (1.5, None), ("99999", None)),
    ],
)
def test_a_choice_of_layers(value: object, kept: int | str | None) -> None:
    assert LayerChoice().value(value) == kept


@pytest.mark.parametrize(
    ("choice", "layers"),
    [
        (2, (4, 5)),
        (6, tuple(range(6))),
        (7, None),
        ("0-2", (0, 1, 2)),
        ("0-5/2", (0, 2, 4)),
        ("5-5", (5,)),
        ("3-6", None),
    ],
)
def test_the_layers_of_a_choice_in_a_model_of_six(choice: int | str, layers: tuple[int, ...] | None) -> None:
    assert layers_of(choice, 6) == layers
