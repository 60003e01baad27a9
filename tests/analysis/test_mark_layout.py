"""Marks and texts do not cover each other."""

from itertools import pairwise

import pytest

from prefixrun.analysis.mark_layout import MARK, Placed, apart, around, text_sides


def at(x: float, y: float, reach: float = 0.0) -> Placed:
    return Placed(x, y, y - reach, y + reach)


@pytest.mark.parametrize("panel", [1.0, 0.5])
def test_marks_that_would_cover_each_other_stand_side_by_side_around_their_middle(panel: float) -> None:
    moved = apart([at(0.50, 0.5), at(0.51, 0.5), at(0.9, 0.5), at(0.52, 0.9)], panel)
    assert moved[2:] == [0.0, 0.0]
    places = [0.50 + moved[0], 0.51 + moved[1]]
    assert places[1] - places[0] == pytest.approx(MARK / panel)
    assert sum(places) / 2 == pytest.approx(0.505)


def test_marks_that_stand_aside_make_room_for_those_that_they_come_to() -> None:
    marks = [at(0.50, 0.5), at(0.50, 0.5), at(0.50, 0.5), at(0.55, 0.5)]
    places = sorted(mark.x + moved for mark, moved in zip(marks, apart(marks), strict=True))
    assert all(right - left > MARK - 1e-6 for left, right in pairwise(places))


def test_marks_whose_intervals_meet_stand_half_a_mark_apart() -> None:
    moved = apart([at(0.5, 0.3, 0.2), at(0.5, 0.6, 0.2)])
    assert moved[1] - moved[0] == pytest.approx(MARK / 2)
    assert apart([at(0.5, 0.3, 0.1), at(0.5, 0.6, 0.1)]) == [0.0, 0.0]


@pytest.mark.parametrize(
    ("covered", "side"),
    [
        ([], ("left", "bottom")),
        ([at(0.55, 0.55)], ("left", "top")),
        ([at(0.55, 0.5, 0.1)], ("right", "bottom")),
        ([at(0.55, 0.5, 0.1), at(0.45, 0.55, 0.05)], ("right", "top")),
    ],
)
def test_a_text_stands_where_it_covers_no_mark_and_no_interval(covered: list[Placed], side: tuple[str, str]) -> None:
    assert text_sides([(0.5, 0.5, "3 %")], [around(mark) for mark in (at(0.5, 0.5), *covered)]) == [side]


def test_texts_of_one_place_stand_at_different_sides_and_none_leaves_the_panel() -> None:
    first, second = text_sides([(0.5, 0.5, "0.1 %"), (0.5, 0.5, "3 %")], [])
    assert first != second
    assert text_sides([(0.99, 0.5, "0.1 %")], []) == [("right", "bottom")]


def test_a_text_is_nearest_to_its_own_mark() -> None:
    left, right = text_sides([(0.5, 0.5, "0.1 %"), (0.55, 0.52, "3 %")], [])
    assert (left, right) == (("left", "top"), ("left", "bottom"))
