"""What is printed: progress as lines or as a bar, the log file in either case, and tables that fit their width."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from prefixrun.console import (
    LOG,
    PLAIN_LINES,
    Column,
    Row,
    Section,
    Table,
    logging_to,
    print_error,
    print_table,
    simple_table,
    stage,
    table_blocks,
    visible,
)
from prefixrun.errors import DiskFullError


@pytest.fixture(params=[False, True], ids=["pipe", "terminal"])
def console(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    shown = Console(file=io.StringIO(), force_terminal=request.param, width=100, highlight=False)
    monkeypatch.setattr("prefixrun.console.terminal", lambda: shown)
    return shown


def screen(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def lines(path: Path) -> list[str]:
    """The lines of a log without their date and time."""
    return [line.split(" ", 2)[2] for line in path.read_text().splitlines()]


def test_a_stage_logs_about_every_tenth_of_its_way(console: Console, tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    with logging_to(path), stage("training") as shown:
        for step in range(1, 101):
            shown.update(step, 100, f"loss {step}")
    logged = lines(path)
    assert logged[0] == "training 1/100  loss 1"
    assert logged[1] == "training 11/100  loss 11"
    assert logged[-1] == "training 100/100  loss 100"
    assert len(logged) == PLAIN_LINES + 1
    if console.is_terminal:
        assert "training 11/100  loss 11" not in screen(console)
        assert "━" in screen(console)
    else:
        assert screen(console).splitlines() == logged


def test_a_short_stage_logs_every_step(console: Console, tmp_path: Path) -> None:
    with logging_to(tmp_path / "run.log"), stage("decoding") as shown:
        for step in (1, 2, 3):
            shown.update(step, 3, "")
    assert len(lines(tmp_path / "run.log")) == 3


def test_other_lines_are_shown_everywhere(console: Console, tmp_path: Path) -> None:
    with logging_to(tmp_path / "run.log"):
        LOG.info("[epoch] %d: %s", 1, "dev loss 2.0")
    assert lines(tmp_path / "run.log") == ["[epoch] 1: dev loss 2.0"]
    assert screen(console) == "[epoch] 1: dev loss 2.0\n"


def test_a_resumed_run_goes_on_in_its_log_and_nothing_stays_attached(console: Console, tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    for word in ("first", "second"):
        with pytest.raises(KeyError), logging_to(path):  # noqa: PT012
            LOG.info(word)
            raise KeyError
    LOG.info("outside of a run")
    assert lines(path) == ["first", "second"]
    assert screen(console) == "first\nsecond\n"


def test_a_log_is_gone_on_with(console: Console, tmp_path: Path) -> None:
    for line in ("one", "half a pair: \ud800"):
        with logging_to(tmp_path / "run.log"):
            LOG.info(line)
    assert lines(tmp_path / "run.log") == ["one", "half a pair: \\ud800"]


def test_a_line_for_which_the_disk_has_no_room_is_an_error(console: Console) -> None:
    before = list(LOG.handlers)
    with pytest.raises(DiskFullError, match="/dev/full: the disk is full"), logging_to(Path("/dev/full")):
        LOG.info("a line")
    assert LOG.handlers == before


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


def test_a_table_is_as_wide_as_it_is_where_there_is_no_terminal(console: Console) -> None:
    table = Table(SCORES.columns, (Section((Row(("a" * 95, "1.0", "2.0", "3.0")),)),), "A title", ("A note.",))
    print_table(table, console=console)
    lines = [line.rstrip() for line in screen(console).splitlines()]
    assert "A title" in lines[0]
    assert lines[-1] == "A note."
    assert len([line for line in lines if "a" * 95 in line]) == (3 if console.is_terminal else 1)


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
