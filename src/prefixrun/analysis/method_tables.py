"""Methods compared: each run group beside a reference, by task, model, corpus and amount of training data.

The reference is prefix-tuning where there are runs of it. Differences have intervals over seeds and inputs, and their
p-values are corrected for the number of tests in the table (comparison.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prefixrun.analysis.arms import Arm
from prefixrun.analysis.comparability import check_signatures, scope
from prefixrun.analysis.comparison import Difference, Estimate, difference, holm
from prefixrun.analysis.group_labels import amount_text, circumstances, decoding_text, inputs_text, labels
from prefixrun.analysis.groups import RunGroup, comparable, runs_of
from prefixrun.analysis.table_format import mean_sd_of, signed, with_interval
from prefixrun.analysis.text_table import csv_text, plain
from prefixrun.console import NONE, Table, simple_table
from prefixrun.results import display_names

CSV_COLUMNS = (
    *("task", "split", "model", "data_source", "n_inputs", "n_train", "n_seen", "precision", "decoding"),
    *("point", "method", "prefix_len", "init", "runs"),
    *(
        "stored",
        "share_percent",
        "trained",
        "train_tokens",
        "train_seconds",
        "peak_memory_bytes",
        "dev_loss",
        "metric",
        "mean",
        "sd",
    ),
    *(
        "low",
        "high",
        "difference",
        "difference_low",
        "difference_high",
        "p_value",
        "p_holm",
        "paired",
        "note",
        "run_ids",
    ),
)


@dataclass(frozen=True, slots=True)
class MethodRow:
    """One run group, with its difference from the reference on the first metric."""

    label: str
    group: RunGroup
    difference: Difference | None
    """This run group minus the reference; None for the reference itself, and where a score is missing."""
    corrected: float | None
    """Holm's p-value within the table."""


@dataclass(frozen=True, slots=True)
class MethodTable:
    """All run groups of one task, model, corpus and amount of training."""

    metrics: tuple[str, ...]
    reference: RunGroup
    rows: tuple[MethodRow, ...]


def method_tables(groups: Sequence[RunGroup]) -> list[MethodTable]:
    """One table for at least two comparable run groups. Raises DataError for scores with different signatures."""
    return [_table(alike) for alike in comparable(groups) if len(alike) > 1]


def _table(groups: Sequence[RunGroup]) -> MethodTable:
    metrics = groups[0].first.main_metrics
    check_signatures(runs_of(groups), metrics)
    reference = _reference(groups)
    differences = {
        group: difference(reference.runs, group.runs, metrics[0]) for group in groups if group is not reference
    }
    # Holm's correction is for all tests of the table together.
    p_values = {
        group: difference.p_value
        for group, difference in differences.items()
        if difference and difference.p_value is not None
    }
    corrected = dict(zip(p_values, holm([*p_values.values()]), strict=True))
    names = labels(groups)
    rows = (MethodRow(names[group], group, differences.get(group), corrected.get(group)) for group in groups)
    return MethodTable(metrics, reference, tuple(rows))


def _reference(groups: Sequence[RunGroup]) -> RunGroup:
    """Prefer prefix-tuning, as the claims select it, then the run group with most runs; never the best score."""
    return Arm("prefix").select_group(groups) or max(groups, key=lambda group: len(group.runs))


def as_texts(table: MethodTable) -> Table:
    """The table as texts; all columns but the first are numbers."""
    reference = table.reference
    result = reference.first.result
    heading = (
        f"{display_names.of_task(reference.first.task)}, {display_names.of_model(reference.first.model)}, "
        f"{display_names.SOURCES.get(result['data_source'], result['data_source'])}, {amount_text(reference)}, "
        f"{inputs_text(reference.first)}, {decoding_text(reference.first)}"
    )
    name = display_names.of_metric(table.metrics[0])
    costs = ("stored", "% of model", "training tokens", "training s", "memory GiB", "dev loss")
    forgetting = ("plain text",) if _has_forgetting(table) else ()
    columns = (
        "",
        "runs",
        *costs,
        *forgetting,
        *map(display_names.of_metric, table.metrics),
        f"{name} minus reference [95 %]",
        "p (Holm)",
    )
    rows = [_line(table, row) for row in table.rows]
    return simple_table(columns, rows, numbers=range(1, len(columns)), title=heading, notes=_notes(table))


def _has_forgetting(table: MethodTable) -> bool:
    """Whether any of the runs has measured its loss on plain prose; those of earlier versions have not."""
    return any(row.group.forgetting is not None for row in table.rows)


def _line(table: MethodTable, row: MethodRow) -> tuple[str, ...]:
    group, measured = row.group, row.difference
    tokens, seconds, memory = (group.cost(name) for name in ("train_tokens", "train_seconds", "peak_memory_bytes"))
    estimates = ((metric, group.estimate(metric)) for metric in table.metrics)
    decimals = _decimals(table.metrics[0], table.reference.estimate(table.metrics[0]))
    return (
        row.label,
        f"{len(group.runs)}" + (f" + {len(group.diverged)} diverged" if group.diverged else ""),
        f"{group.parameters('stored'):,}",
        f"{group.share:.3g}",
        NONE if tokens is None else f"{tokens:,.0f}",
        NONE if seconds is None else f"{seconds:,.0f}",
        NONE if memory is None else f"{memory / 2**30:.1f}",
        NONE if group.dev_loss is None else f"{group.dev_loss:.3f}",
        *([NONE if group.forgetting is None else signed(group.forgetting, 3)] if _has_forgetting(table) else []),
        *(
            NONE if score is None else mean_sd_of(score, _decimals(metric, score), len(group.runs))
            for metric, score in estimates
        ),
        "reference" if group is table.reference else NONE if measured is None else with_interval(measured, decimals),
        NONE if row.corrected is None else _p_text(row.corrected),
    )


def _decimals(metric: str, mean: Estimate | None) -> int:
    """Of a score; those below 2 are fractions, but for scores in per cent."""
    is_per_cent = metric.partition("/")[0] in (*display_names.OF_A_HUNDRED, *display_names.PER_CENT)
    return 1 if is_per_cent or mean is None or mean.mean > 2 else 3


def _p_text(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _notes(table: MethodTable) -> Iterator[str]:
    settings = dict.fromkeys(circumstances(row.group) for row in table.rows)
    yield f"Runs: {'; '.join(settings)}."
    notes: dict[str, list[str]] = {}
    for row in table.rows:
        if row.difference is not None and row.difference.note:
            notes.setdefault(row.difference.note, []).append(row.label)
    for note, named in notes.items():
        yield f"Interval {note}: {'every row' if len(named) == len(table.rows) - 1 else '; '.join(named)}."
    if _has_forgetting(table):
        yield "Plain text: what the method adds to the model's loss on plain prose, in nats a token."
    yield (
        "Dev loss: nats a target token on development pairs, of the checkpoint that was kept. "
        "Scores: mean ± standard deviation between runs. Differences: interval over seeds and inputs, "
        "subsamples weigh alike, two-sided p-value corrected for the tests of this table."
    )


def as_csv(tables: Sequence[MethodTable]) -> str:
    """One line for each run group and metric; the difference stands with the first metric."""
    return csv_text(CSV_COLUMNS, (line for table in tables for row in table.rows for line in _csv_lines(table, row)))


def _csv_lines(table: MethodTable, row: MethodRow) -> Iterator[tuple[object, ...]]:
    group, record = row.group, row.group.first
    task, split, *corpus = scope(record)
    amount = (*group.training_amount, decoding_text(record))
    what = (task, split, record.model, *corpus, *amount, row.label, record.method)
    sizes = (group.parameters("stored"), f"{group.share:.4g}", group.parameters("trained"))
    costs = (plain(group.cost(name)) for name in ("train_tokens", "train_seconds", "peak_memory_bytes"))
    loss = plain(group.dev_loss)
    shared = (*what, record.prefix_len, group.init, len(group.runs), *sizes, *costs, loss)
    ids = " ".join(run.run_id for run in group.runs)
    for metric in table.metrics:
        mean, test = group.estimate(metric), row.difference if metric == table.metrics[0] else None
        numbers = (mean.mean, mean.sd, mean.low, mean.high) if mean else (None,) * 4
        tested = (test.mean, test.low, test.high, test.p_value, row.corrected) if test else (None,) * 5
        notes = (test.paired, test.note) if test else (None, None)
        yield (*shared, metric, *map(plain, numbers), *map(plain, tested), *notes, ids)
