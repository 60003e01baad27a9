"""What is printed: visible text, and tables that fit their width."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from prefixrun.console import (
    Column,
    Row,
    Section,
    Table,
    count,
    format_about,
    print_error,
    print_table,
    simple_table,
    table_blocks,
    visible,
)

RUNS = simple_table(("name", "BLEU", "reason"), [("Café", "5.10", ""), ("日本", "65.24", "a b")], numbers={1})
SCORES = Table(
    (Column(), Column("BLEU\nseen", True), Column("BLEU\nall", True), Column("TER\nall", True)),
    (
        Section((Row(("prefix 10", "–", "53.7", "0.41"), is_strong=True),), "this run: a model"),
        Section((Row(("fine-tuning", "7.1", "68.8", "0.42")),), "the paper"),
    ),
)
SWEEP = Table(
    (Column("state"), Column("run")),
    (Section((Row(("done now", "seed=1 prefix_len=5 method=lora")), Row(("", "  a reason of several words")))),),
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2, "5 s"), (41, "40 s"), (58, "1 min"), (250, "4 min"), (9000, "2.5 h"), (90_000, "25 h"), (1e6, "12 days")],
)
def test_an_estimate_has_no_more_digits_than_it_knows(seconds: float, text: str) -> None:
    assert format_about(seconds) == text


def lines_of(table: Table, width: int) -> list[str]:
    """The lines of a table, with an empty one between its blocks."""
    return "\n\n".join(block.plain for block in table_blocks(table, width)).splitlines()


@pytest.mark.parametrize(
    ("table", "width", "lines"),
    [
        (RUNS, 80, ["name   BLEU  reason", "Café   5.10", "日本  65.24  a b"]),
        (simple_table(("a", "bc"), []), 80, ["a  bc"]),
        (
            SCORES,
            80,
            [
                "               BLEU  BLEU   TER",
                "               seen   all   all",
                "this run: a model",
                "  prefix 10       –  53.7  0.41",
                "the paper",
                "  fine-tuning   7.1  68.8  0.42",
            ],
        ),
        (
            SCORES,  # its gaps become narrow
            28,
            [
                "              BLEU BLEU  TER",
                "              seen  all  all",
                "this run: a model",
                "  prefix 10      – 53.7 0.41",
                "the paper",
                "  fine-tuning  7.1 68.8 0.42",
            ],
        ),
        (
            SCORES,  # it is split
            27,
            [
                "              BLEU BLEU",
                "              seen  all",
                "this run: a model",
                "  prefix 10      – 53.7",
                "the paper",
                "  fine-tuning  7.1 68.8",
                "",
                "               TER",
                "               all",
                "this run: a model",
                "  prefix 10   0.41",
                "the paper",
                "  fine-tuning 0.42",
            ],
        ),
        (
            SWEEP,  # its last texts are wrapped
            34,
            [
                "state     run",
                "done now  seed=1 prefix_len=5",
                "            method=lora",
                "            a reason of several",
                "              words",
            ],
        ),
        (
            Table((Column(""), Column("x", True)), (Section((), "one heading that is long"),)),
            20,
            ["    x", "one heading that is", "    long"],
        ),
    ],
)
def test_a_table_fits_its_width(table: Table, width: int, lines: list[str]) -> None:
    shown = lines_of(table, width)
    assert [line.rstrip() for line in shown] == lines
    assert max(map(cell_len, shown)) <= width


@given(width=st.integers(min_value=30, max_value=130), columns=st.integers(min_value=1, max_value=12))
def test_no_line_is_too_wide_and_every_number_is_there(width: int, columns: int) -> None:
    numbers = [f"{number}.{number:03d}" for number in range(columns)]
    table = Table(
        (Column(), *(Column(f"METRIC{number}\npart", True) for number in range(columns))),
        (
            Section(
                (Row(("a rather long label", *numbers)),), "a heading of many words that has to be broken somewhere"
            ),
        ),
    )
    lines = lines_of(table, width)
    assert max(map(cell_len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)
    assert [word for line in lines if "label" in line for word in line.split()[4:]] == numbers


def test_headings_and_the_rows_that_matter_stand_out() -> None:
    (block,) = table_blocks(SCORES, 80)
    styles = {block.plain[span.start : span.end].strip(): span.style for span in block.spans if span.style}
    assert styles == {
        "BLEU  BLEU   TER": "bold",
        "seen   all   all": "bold",
        "this run: a model": "cyan",
        "prefix 10       –  53.7  0.41": "bold",
        "the paper": "cyan",
    }


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_table_is_as_wide_as_it_is_where_there_is_no_terminal(is_terminal: bool) -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=is_terminal, width=100, highlight=False)
    table = Table(SCORES.columns, (Section((Row(("a" * 95, "1.0", "2.0", "3.0")),)),), "A title", ("A note.",))
    print_table(table, console=console)
    lines = [line.rstrip() for line in shown.getvalue().splitlines()]
    assert "A title" in lines[0]
    assert lines[-1] == "A note."
    assert len([line for line in lines if "a" * 95 in line]) == (3 if is_terminal else 1)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a word\tand\na line", "a word\tand\na line"),
        ("\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"),
        ("file\u202etxt.exe", "file\\u202etxt.exe"),
        ("one\rtwo\x85three\u2028four", "one\\rtwo\\x85three\\u2028four"),
        ("half \ud800", "half \\ud800"),
        ("12\u00a0€, naïve 日本語 😀", "12\u00a0€, naïve 日本語 😀"),
    ],
)
def test_what_steers_a_terminal_becomes_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_long_error_keeps_its_beginning_and_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    print_error("file:1: " + "x" * 100_000 + "; what to do")
    said = capsys.readouterr().err
    assert len(said) < 2000
    assert said.startswith("file:1: xxx")
    assert "98,220 characters more" in said
    assert said.endswith("x; what to do\n")


def test_a_number_of_things() -> None:
    assert [count(1, "run"), count(2000, "run"), count(0, "more seed")] == ["1 run", "2,000 runs", "0 more seeds"]
