"""Which method is best for what: every point beside a reference, per task, model, corpus and amount of training data.

The reference is prefix-tuning where there is some. Differences have intervals over seeds and inputs, and their p-values
are corrected for the number of tests in the table (comparison.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prefixrun.analysis.claim_rules import Arm
from prefixrun.analysis.comparison import Difference, difference, holm
from prefixrun.analysis.groups import RunGroup, check_signatures, circumstances, labels
from prefixrun.analysis.table_format import mean_sd, signed
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
    """One table for each group of at least two run groups. Raises DataError for scores made in different ways."""
    by_key: dict[tuple[object, ...], list[RunGroup]] = {}
    for group in groups:
        by_key.setdefault((*group.comparison_key, group.training), []).append(group)
    return [_table(comparable) for comparable in by_key.values() if len(comparable) > 1]


def _table(comparable: Sequence[RunGroup]) -> MethodTable:
    first = comparable[0].first
    metrics = display_names.main_metrics(first.scored_as, first.result["scores"])
    check_signatures(comparable, metrics)
    reference = _reference(comparable)
    named = labels(comparable)
    differences = {
        group: difference(reference.runs, group.runs, metrics[0]) for group in comparable if group is not reference
    }
    tested = [group for group, found in differences.items() if found is not None and found.p_value is not None]
    corrected = dict(zip(tested, holm([_p_value(differences[group]) for group in tested]), strict=True))
    rows = (MethodRow(named[group], group, differences.get(group), corrected.get(group)) for group in comparable)
    return MethodTable(metrics, reference, tuple(rows))


def _p_value(found: Difference | None) -> float:
    assert found is not None
    assert found.p_value is not None
    return found.p_value


def _reference(comparable: Sequence[RunGroup]) -> RunGroup:
    """Prefix-tuning before other methods, then as for the claims, then the first; never the best score."""
    return Arm("prefix").select_group(comparable) or max(comparable, key=lambda group: len(group.runs))


def as_texts(table: MethodTable) -> Table:
    """The table as texts; all columns but the first are numbers."""
    reference = table.reference
    result = reference.first.result
    heading = (
        f"{display_names.of_task(reference.first.task)}, {display_names.of_model(reference.first.model)}, "
        f"{display_names.SOURCES.get(result['data_source'], result['data_source'])}, {reference.amount}, "
        f"{result['n_inputs']:,} {result['split']} inputs, {reference.decoding}"
    )
    name = display_names.of_metric(table.metrics[0])
    costs = ("stored", "% of model", "training tokens", "training s", "memory GiB", "dev loss")
    columns = (
        "",
        "runs",
        *costs,
        *map(display_names.of_metric, table.metrics),
        f"{name} minus reference [95 %]",
        "p (Holm)",
    )
    rows = [_line(table, row) for row in table.rows]
    return simple_table(columns, rows, numbers=range(1, len(columns)), title=heading, notes=_notes(table))


def _line(table: MethodTable, row: MethodRow) -> tuple[str, ...]:
    group, found = row.group, row.difference
    tokens, seconds, memory = (group.cost(name) for name in ("train_tokens", "train_seconds", "peak_memory_bytes"))
    estimates = (group.estimate(metric) for metric in table.metrics)
    return (
        row.label,
        str(len(group.runs)),
        f"{group.parameters('stored'):,}",
        f"{group.share:.3g}",
        NONE if tokens is None else f"{tokens:,.0f}",
        NONE if seconds is None else f"{seconds:,.0f}",
        NONE if memory is None else f"{memory / 2**30:.1f}",
        NONE if group.dev_loss is None else f"{group.dev_loss:.3f}",
        *(NONE if each is None else mean_sd(each, 1 if each.mean > 2 else 3) for each in estimates),
        "reference" if group is table.reference else _difference_text(found),
        NONE if row.corrected is None else _p_text(row.corrected),
    )


def _difference_text(found: Difference | None) -> str:
    if found is None:
        return NONE
    value = signed(found.mean, 1)
    if found.low is None or found.high is None:
        return value
    return f"{value} [{signed(found.low, 1)}, {signed(found.high, 1)}]"


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
    yield (
        "Dev loss: nats a target token on development pairs, of the state that was kept. "
        "Scores: mean ± standard deviation between runs. Differences: interval over seeds and inputs, two-sided "
        "p-value corrected for the tests of this table."
    )


def as_csv(tables: Sequence[MethodTable]) -> str:
    """One line for each run group and metric; the difference stands with the first metric."""
    return csv_text(CSV_COLUMNS, (line for table in tables for row in table.rows for line in _csv_lines(table, row)))


def _csv_lines(table: MethodTable, row: MethodRow) -> Iterator[tuple[object, ...]]:
    group, record = row.group, row.group.first
    what = (*group.scope[:2], record.model, *group.scope[2:], *group.training, group.decoding, row.label, record.method)
    sizes = (group.parameters("stored"), f"{group.share:.4g}", group.parameters("trained"))
    costs = (plain(group.cost(name)) for name in ("train_tokens", "train_seconds", "peak_memory_bytes"))
    loss = plain(group.dev_loss)
    shared = (*what, record.prefix_len, group.init, len(group.runs), *sizes, *costs, loss)
    for metric in table.metrics:
        found = row.difference if metric == table.metrics[0] else None
        each = group.estimate(metric)
        numbers = (each.mean, each.sd, each.low, each.high) if each else (None,) * 4
        test = (found.mean, found.low, found.high, found.p_value, row.corrected) if found else (None,) * 5
        end = (found.paired, found.note) if found else (None, None)
        ids = " ".join(run.run_id for run in group.runs)
        yield (*shared, metric, *map(plain, numbers), *map(plain, test), *end, ids)
