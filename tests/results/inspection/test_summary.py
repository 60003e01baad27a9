"""Sentences about an inspection: numbers as people read them."""

import pytest

from prefixrun.results.inspection.losses import Change
from prefixrun.results.inspection.summary import change_text, percent, range_text


@pytest.mark.parametrize(("half_width", "text"), [(0.01234, "+0.5000 (95 % interval ± 0.0123)"), (None, "+0.5000")])
def test_a_change_has_its_interval(half_width: float | None, text: str) -> None:
    assert change_text(Change("", (), (), 0.5, half_width)) == text


def test_ranges_and_shares() -> None:
    assert [range_text(each) for each in ((3,), (3, 4, 5))] == ["3", "3–5"]
    assert [percent(each) for each in (0.1234, None)] == ["12.3 %", "–"]
