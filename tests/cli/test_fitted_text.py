"""Texts in the width of a terminal."""

import pytest

from prefixrun.cli.fitted_text import fitted, terminal_width

NAMED = "  name    a description of a name that is long\n          and goes on below itself\n"


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (80, NAMED),
        (
            40,
            "  name    a description of a name that\n          is long and goes on below\n          itself\n",
        ),
        (
            18,
            "  name\n"
            "      a\n"
            "      description\n"
            "      of a name\n"
            "      that is long\n"
            "      and goes on\n"
            "      below itself\n",
        ),
    ],
)
def test_a_description_goes_on_below_its_beginning(width: int, text: str) -> None:
    assert fitted(NAMED, width) == text


def test_examples_stay_lines_of_their_own() -> None:
    examples = "    prefixrun params a=1\n    prefixrun params b=2\n    'c=3'\n"
    assert fitted(f"A first line that is longer than the others.\n\n{examples}", 40).endswith(examples)


@pytest.mark.parametrize(("columns", "width"), [("20", 60), ("100", 100), ("300", 120)])
def test_the_width_is_that_of_the_terminal_within_bounds(
    columns: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal_width() == width
