"""Tables of scores fit their width and lose nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from prefixrun.console import Line, Section, blocks

SECTIONS = [
    Section("this run: a model", (Line("prefix 10", {"BLEU/all": "53.7", "TER/all": "0.41"}, own=True),)),
    Section("the paper", (Line("fine-tuning", {"BLEU/all": "68.8", "BLEU/seen": "7.1", "TER/all": "0.42"}),)),
]
METRICS = ["BLEU/seen", "BLEU/all", "TER/all"]


def test_a_table_that_fits_is_one_block() -> None:
    (block,) = blocks(SECTIONS, METRICS, 80)
    assert block.plain.splitlines() == [
        "               BLEU  BLEU   TER",
        "               seen   all   all",
        "this run: a model",
        "  prefix 10       –  53.7  0.41",
        "the paper",
        "  fine-tuning   7.1  68.8  0.42",
    ]


def test_rows_without_a_heading_stand_right_under_the_metrics() -> None:
    (block,) = blocks([Section("", (Line("BLEU", {"score": "53.7"}),))], ["score"], 80)
    assert block.plain.splitlines() == ["        score", "  BLEU   53.7"]


def test_a_narrow_table_first_loses_its_wide_gaps_and_then_splits() -> None:
    (block,) = blocks(SECTIONS, METRICS, 28)
    assert block.plain.splitlines()[0] == "              BLEU BLEU  TER"
    first, second = blocks(SECTIONS, METRICS, 27)
    assert first.plain.splitlines()[-1] == "  fine-tuning  7.1 68.8"
    assert second.plain.splitlines() == [
        "               TER",
        "               all",
        "this run: a model",
        "  prefix 10   0.41",
        "the paper",
        "  fine-tuning 0.42",
    ]


def test_the_line_of_the_run_stands_out() -> None:
    (block,) = blocks(SECTIONS, METRICS, 80)
    bold = {block.plain[span.start : span.end].strip() for span in block.spans if span.style == "bold"}
    assert "prefix 10       –  53.7  0.41" in bold
    assert not any("fine-tuning" in text for text in bold)


@given(width=st.integers(min_value=30, max_value=130), columns=st.integers(min_value=1, max_value=12))
def test_no_line_is_wider_than_asked_and_every_number_is_there(width: int, columns: int) -> None:
    names = [f"METRIC{number}/part" for number in range(columns)]
    line = Line("a rather long label", {name: f"{number}.{number:03d}" for number, name in enumerate(names)})
    table = blocks([Section("a heading of many words that has to be broken somewhere", (line,))], names, width)
    lines = [text for block in table for text in block.plain.splitlines()]
    assert max(map(cell_len, lines)) <= width
    numbers = [word for text in lines if "label" in text for word in text.split()[4:]]
    assert numbers == list(line.texts.values())


@pytest.mark.parametrize("heading", ["one", "two words"])
def test_headings_that_fit_are_not_broken(heading: str) -> None:
    (block,) = blocks([Section(heading, ())], ["BLEU"], 20)
    assert block.plain.splitlines()[1:] == [heading]
