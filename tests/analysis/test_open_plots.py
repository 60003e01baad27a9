"""Pictures of answers: what stands on their axes, and that equal content gives equal bytes."""

from dataclasses import replace

import pytest

from prefixrun.analysis.open_plots import Picture, Series, draw, fingerprint

SERIES = Series("nested", "prefix", ((0, (1.5, 1.4, 1.6)), (1, (1.2,))))
LINES = Picture("a", "Title", "Caption", ("1", "40"), "prefix length", (("loss", (SERIES,)),))
ROWS = replace(
    LINES, place_label="", panels=(("loss of one", (SERIES,)), ("loss of two", (replace(SERIES, points=()),)))
)


@pytest.mark.parametrize(("picture", "texts"), [(LINES, ("prefix length", "nested")), (ROWS, ("loss of two", "40"))])
def test_places_and_panels_have_their_labels(picture: Picture, texts: tuple[str, ...]) -> None:
    drawn = draw(picture)
    svg = drawn["svg"].decode()
    assert all(f"<!-- {text} -->" in svg for text in texts)
    assert drawn["png"].startswith(b"\x89PNG")
    assert drawn == draw(picture)


def test_the_fingerprint_follows_the_numbers() -> None:
    other = replace(LINES, panels=(("loss", (replace(SERIES, dashed=True),)),))
    assert fingerprint(LINES) == fingerprint(replace(LINES))
    assert fingerprint(LINES) != fingerprint(other)
