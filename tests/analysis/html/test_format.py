"""Numbers as people read them."""

import pytest

from prefixrun.analysis.html.format import change, day, duration, memory, number, pairs, share


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (number(None), "–"),
        (number(1234.56, 1), "1,234.6"),
        (number(-0.25, 2), "−0.25"),
        (change(-0.5), "−0.500"),
        (duration(None), "–"),
        (duration(0.25), "0.2 s"),
        (duration(12.0), "12 s"),
        (duration(90.0), "1.5 min"),
        (duration(5400.0), "1.5 h"),
        (duration(36_000_000.0), "10,000.0 h"),
        (memory(None), "–"),
        (memory(5 * 2**20), "5 MiB"),
        (memory(3 * 2**30), "3.00 GiB"),
        (share(1, 1000), "0.1 %"),
        (share(3, 100), "3.0 %"),
        (share(1, 0), "–"),
        (pairs(50, 50), "50"),
        (pairs(1600, 42061), "1,600 of 42,061"),
        (day("2026-11-24T09:47:05+00:00"), "2026-11-24 09:47 UTC"),
        (day(None), "–"),
    ],
)
def test_a_number_is_readable(shown: str, text: str) -> None:
    assert shown == text
