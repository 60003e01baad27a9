"""A table of scores in plain characters: headings across all columns, split into blocks to fit a width."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text

GAP = 2
NONE = "–"


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
    gap = GAP if label_width + sum(widths.values()) + GAP * len(names) <= width else 1
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
