"""The paper's tables as Markdown, LaTeX and CSV."""

from __future__ import annotations

from collections.abc import Iterator

from prefixrun.analysis.comparison import Estimate
from prefixrun.analysis.equivalence import margin
from prefixrun.analysis.paper_tables import SEEDS, TableCell, TableRow
from prefixrun.analysis.paper_tables import Section as PaperSection
from prefixrun.analysis.paper_tables import Table as PaperTable
from prefixrun.analysis.text_table import csv_text, latex, markdown, plain
from prefixrun.console import NONE, Column, Row, Section, Table
from prefixrun.results import display_names

CSV_COLUMNS = (
    *("version", "table", "task", "model", "method", "params", "prefix_len", "setting", "settings_searched", "metric"),
    *(
        "paper",
        "ours_mean",
        "ours_sd",
        "ours_low",
        "ours_high",
        "n",
        "wanted",
        "difference",
        "verdict",
        "signature",
        "runs",
    ),
)


def number(value: float, decimals: int) -> str:
    """A number as the paper prints it."""
    return f"{value:.{decimals}f}"


def signed(value: float, decimals: int) -> str:
    """A difference with its sign; a real minus, so that it is not taken for a dash."""
    return f"{value:+.{decimals}f}".replace("-", "−")


def mean_sd(mean: Estimate, decimals: int) -> str:
    """`68.5 ± 0.3`, or the number alone for one run."""
    spread = "" if mean.sd is None else f" ± {number(mean.sd, decimals)}"
    return number(mean.mean, decimals) + spread


def mean_sd_of(mean: Estimate, decimals: int, runs: int) -> str:
    """The same, with its own count where it is not of all of a setting's runs: `68.5 ± 0.3 (n = 2)`."""
    return mean_sd(mean, decimals) + ("" if mean.n == runs else f" (n = {mean.n})")


def with_interval(mean: Estimate, decimals: int) -> str:
    """`+2.3 [−0.1, +4.7]`, or the number alone where its interval is unknown."""
    value = signed(mean.mean, decimals)
    if mean.low is None or mean.high is None:
        return value
    return f"{value} [{signed(mean.low, decimals)}, {signed(mean.high, decimals)}]"


def file_name(table: PaperTable) -> str:
    """`acl_table_2`."""
    return f"{table.version.lower()}_{table.number.lower().replace(' ', '_')}"


def as_markdown(table: PaperTable, seeds: int = SEEDS) -> str:
    """One page: a heading and a table for each task."""
    intro = (
        f"# {_title(table)}\n\n"
        f"Our runs beside the numbers of the paper ({table.version} version): mean ± standard deviation over seeds and "
        f"subsamples; a cell wants {seeds} runs. Of several settings of a row the one of the lowest development loss "
        "stands beside it. Written by `prefixrun tables`.\n"
    )
    return "\n".join((intro, *(markdown(_as_table(table, section, seeds)) for section in table.sections)))


def as_latex(table: PaperTable, seeds: int = SEEDS) -> str:
    """One float for each task; needs the package booktabs."""
    return "\n".join(latex(_as_table(table, section, seeds)) for section in table.sections)


def as_csv(table: PaperTable, seeds: int = SEEDS) -> str:
    """One line for each cell."""
    return csv_text(CSV_COLUMNS, (line for section in table.sections for line in _csv_lines(table, section, seeds)))


def _title(table: PaperTable) -> str:
    return f"{table.title} ({table.version}, {table.number})"


def _as_table(table: PaperTable, section: PaperSection, seeds: int) -> Table:
    """The table of one task; each row of the paper is a section of lines."""
    metrics = (Column(display_names.of_metric(metric), is_number=True) for metric in section.metrics)
    title = f"{table.number} of the {table.version} version: {display_names.of_task(section.task)}"
    rows = tuple(Section(tuple(map(Row, _lines(table, row, seeds)))) for row in section.rows)
    return Table((Column("method"), Column(), *metrics), rows, title, tuple(_notes(section)))


def _lines(table: PaperTable, row: TableRow, seeds: int) -> Iterator[tuple[str, ...]]:
    """The lines of one row: the paper's number, ours, the difference and the verdict; or ours alone."""
    ours = tuple(_ours(cell, row) for cell in row.cells)
    n = len(row.group.runs) if row.group else 0
    if row.paper is None:
        yield (row.label, f"ours, {n} run{'s' if n != 1 else ''}; not comparable: {row.why_not}", *ours)
        return
    printed = tuple(cell.paper.printed if cell.paper else NONE for cell in row.cells)
    yield (row.label, f"paper, {table.version}", *printed)
    if row.paper.method == "sota":
        return
    yield ("", f"ours, {f'{n}/{seeds} seeds' if n < seeds else f'{n} runs'}{choice_text(row)}", *ours)
    if row.group is not None:
        differences = (
            None if cell.difference is None else signed(cell.difference, cell.decimals) for cell in row.cells
        )
        yield ("", "difference", *(text or NONE for text in differences))
        yield ("", "verdict", *(cell.judgement.text if cell.judgement else NONE for cell in row.cells))


def choice_text(row: TableRow) -> str:
    """Of how many settings these runs have the lowest development loss, where there are several."""
    searched = f"lowest development loss of {row.searched} settings" if row.searched > 1 and not row.doubt else ""
    return "".join(f"; {text}" for text in (searched, row.doubt) if text)


def _ours(cell: TableCell, row: TableRow) -> str:
    """Our number."""
    if cell.ours is None or row.group is None:
        return NONE
    return mean_sd_of(cell.ours, cell.decimals, len(row.group.runs))


def _notes(section: PaperSection) -> Iterator[str]:
    if any(display_names.less_is_better(metric) for metric in section.metrics):
        yield "TER counts errors: less is better."
    empty: dict[str, list[str]] = {}
    for row in section.rows:
        for cell in row.cells:
            if cell.why_empty:
                empty.setdefault(cell.why_empty, []).append(display_names.of_metric(cell.metric))
    for reason, metrics in empty.items():
        yield f"no value for {', '.join(dict.fromkeys(metrics))}: {reason}."
    if any(row.paper and row.group for row in section.rows):
        margins = (f"{display_names.of_metric(metric)} {margin(section.task, metric):g}" for metric in section.metrics)
        yield f"Reproduced means: within these margins of the printed number, at 95 %: {', '.join(margins)}."


def _csv_lines(table: PaperTable, section: PaperSection, seeds: int) -> Iterator[tuple[object, ...]]:
    for row in section.rows:
        result = row.group.first.result if row.group else {}
        paper = row.paper
        what = (
            paper.model if paper else result["model"],
            paper.method if paper else result["method"],
            paper.params if paper else f"{row.group.share:.3g}%" if row.group else "",
            paper.prefix_len if paper else result["prefix_len"],
            row.label,
            row.searched,
        )
        for cell in row.cells:
            if cell.paper is None and paper is not None:
                continue
            yield (table.version, table.number, section.task, *what, cell.metric, *_csv_numbers(row, cell, seeds))


def _csv_numbers(row: TableRow, cell: TableCell, seeds: int) -> tuple[object, ...]:
    ours = cell.ours
    spread = (ours.mean, ours.sd, ours.low, ours.high) if ours else (None, None, None, None)
    runs = row.group.runs if row.group else ()
    verdict = cell.judgement.text if cell.judgement else f"not comparable ({row.why_not})"
    return (
        cell.paper.printed if cell.paper else None,
        *(plain(value) for value in spread),
        ours.n if ours else 0,
        seeds,
        plain(cell.difference),
        verdict if row.paper is None or row.paper.method != "sota" else None,
        runs[0].signature(cell.metric) if runs else None,
        " ".join(run.run_id for run in runs),
    )
