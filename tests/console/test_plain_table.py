"""Columns of texts and numbers, as wide as a terminal shows them."""

from prefixrun.console import plain_table


def test_numbers_end_together_and_nothing_ends_in_blanks() -> None:
    table = plain_table(("name", "BLEU", ""), [("Café", "5.10", ""), ("日本", "65.24", "x")], right={1})
    assert table == "name   BLEU\nCafé   5.10\n日本  65.24  x"


def test_a_heading_alone() -> None:
    assert plain_table(("a", "bc"), []) == "a  bc"
