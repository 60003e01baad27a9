"""Everything that is printed: plain text, labelled texts, progress of a stage, the log of a run, and tables of text.

Plain lines where there is no terminal. No other module creates a console.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from prefixrun.errors import BROKEN_PIPE_EXIT_CODE
from prefixrun.files import append_bytes

LOG = logging.getLogger("prefixrun.run")
LINES = 10
"""Plain lines for one stage."""


def terminal() -> Console:
    """Standard output; characters that it cannot show become question marks instead of an error."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return _Terminal(highlight=False)


class _Terminal(Console):
    """Ends the program as the system ends others when nobody reads on (`| head`)."""

    def on_broken_pipe(self) -> None:
        with suppress(SystemExit):
            super().on_broken_pipe()  # nothing more is written
        raise SystemExit(BROKEN_PIPE_EXIT_CODE)


def say(text: str) -> None:
    """Print plain text, at once and unwrapped."""
    terminal().print(text, markup=False, soft_wrap=True)


def print_labelled(
    console: Console, texts: Iterable[tuple[str, str]], *, indent: int = 0, strong: str = "verdict"
) -> None:
    """Texts behind a column of labels, wrapped to the console's width within their own column."""
    column = indent + 11
    for label, text in texts:
        content = Text(_clean(text), style="bold" if label == strong else "")
        for number, line in enumerate(content.wrap(console, max(20, console.width - column))):
            line.rstrip()
            head = " " * indent + label if number == 0 else ""
            console.print(Text(set_cell_size(head, column), style="dim") + line, soft_wrap=True)


def duration(seconds: float) -> str:
    """For people: seconds, minutes and seconds, or hours and minutes."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"


def _clean(text: str) -> str:
    """Model outputs may hold anything; what is not printable must not reach a terminal."""
    return "".join(sign if sign.isprintable() or sign.isspace() else "\ufffd" for sign in text)


@contextmanager
def logging_to(path: Path, *, screen: bool = True) -> Iterator[None]:
    """Send the lines of LOG to `path` with their times, and to standard output without (unless `screen` is off).

    A line that cannot be written is an error of the code that logs it: DiskFullError, ConfigError.
    """
    append_bytes(path, b"")  # a run that fails before its first line has a log too
    to_file = _File(path)
    to_file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    handlers = [to_file, _Screen()] if screen else [to_file]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
    for handler in handlers:
        LOG.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            LOG.removeHandler(handler)


class _File(logging.Handler):
    """Opened for each line, so that nothing waits in a buffer for a disk that is full."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        append_bytes(self._path, f"{self.format(record)}\n".encode(errors="backslashreplace"))


class _Screen(logging.Handler):
    """Lines that only matter without a bar (`extra={"plain": True}`) are left out on a terminal."""

    def emit(self, record: logging.LogRecord) -> None:
        console = terminal()
        if not (console.is_terminal and getattr(record, "plain", False)):
            console.print(record.getMessage(), markup=False, soft_wrap=True)


class Stage:
    """Progress of one stage: `update` moves the bar, or logs a line about every tenth of the way."""

    def __init__(self, name: str, bar: Progress | None) -> None:
        self._name, self._bar = name, bar
        self._task = bar.add_task(name, total=None, note="") if bar else None
        self._next = 0

    def update(self, done: int, total: int, note: str) -> None:
        """`note` is a few words such as the loss."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, note=note)
        if done >= self._next or done == total:
            LOG.info("%s %d/%d  %s", self._name, done, total, note, extra={"plain": True})
            self._next = done + max(1, total // LINES)


@contextmanager
def stage(name: str) -> Iterator[Stage]:
    """One stage, with a bar that goes away at its end when standard output is a terminal."""
    console = terminal()
    if not console.is_terminal:
        yield Stage(name, None)
        return
    columns = (TextColumn("{task.description:<9}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[note]}"), console=console, transient=True) as bar:
        yield Stage(name, bar)


NONE = "–"
"""A cell without a value."""

GAP = "  "


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    """Heading and rows as lines; the columns at the positions `right` are numbers, aligned at their ends."""
    lines = [columns, *rows]
    widths = [max(cell_len(line[place]) for line in lines) for place in range(len(columns))]
    return "\n".join(
        GAP.join(_cell(text, widths[place], place in right) for place, text in enumerate(line)).rstrip()
        for line in lines
    )


def _cell(text: str, width: int, is_right: bool) -> str:
    blank = " " * (width - cell_len(text))
    return blank + text if is_right else text + blank


SCORE_GAP = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table."""

    label: str
    texts: Mapping[str, str]
    """Metric → number as shown; metrics without one get a dash."""
    own: bool = False
    """Whether it is of this run, which stands out."""


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under one heading."""

    heading: str
    """Empty for rows that stand right under the metrics."""
    lines: tuple[Line, ...]


def blocks(sections: Sequence[Section], metrics: Iterable[str], width: int) -> list[Text]:
    """The whole table as one block, or as several with fewer columns each where `width` cells are not enough.

    A metric named `BLEU/seen` gets a heading of two lines.
    """
    names = list(metrics)
    label_width = max((cell_len(line.label) + 2 for section in sections for line in section.lines), default=0)
    widths = {name: _width(name, sections) for name in names}
    gap = SCORE_GAP if label_width + sum(widths.values()) + SCORE_GAP * len(names) <= width else 1
    chunks: list[list[str]] = [[]]
    used = label_width
    for name in names:
        if chunks[-1] and used + gap + widths[name] > width:
            chunks.append([])
            used = label_width
        chunks[-1].append(name)
        used += gap + widths[name]
    return [_block(sections, {name: widths[name] + gap for name in chunk}, label_width, width) for chunk in chunks]


def _width(name: str, sections: Sequence[Section]) -> int:
    texts = [line.texts.get(name, NONE) for section in sections for line in section.lines]
    return max(cell_len(text) for text in (*name.split("/"), *texts))


def _block(sections: Sequence[Section], columns: Mapping[str, int], label_width: int, width: int) -> Text:
    block = Text()
    for level in range(max(name.count("/") for name in columns) + 1):
        parts = [[*name.split("/"), ""][level] for name in columns]
        block.append(_row("", parts, columns, label_width) + "\n", style="bold")
    for section in sections:
        for part in _wrapped(section.heading, width) if section.heading else ():
            block.append(part + "\n", style="cyan")
        for line in section.lines:
            texts = [line.texts.get(name, NONE) for name in columns]
            block.append(_row("  " + line.label, texts, columns, label_width) + "\n", style="bold" if line.own else "")
    block.rstrip()
    return block


def _row(label: str, texts: Iterable[str], columns: Mapping[str, int], label_width: int) -> str:
    cells = (" " * (width - cell_len(text)) + text for text, width in zip(texts, columns.values(), strict=True))
    return (set_cell_size(label, label_width) + "".join(cells)).rstrip()


def _wrapped(heading: str, width: int) -> list[str]:
    """The heading in lines of at most `width` cells, broken at spaces, later lines indented."""
    lines = [""]
    for word in heading.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1].strip() else lines[-1] + word
        if cell_len(longer) > width and lines[-1].strip():
            lines.append(f"    {word}")
        else:
            lines[-1] = longer
    return lines
