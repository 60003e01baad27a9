"""prefixrun params KEY=VALUE,VALUE ... [json=FILE]

How many parameters a method trains and stores, and the share of the model's that is. No weights are read and nothing is
run, so neither a corpus nor the model has to be here; KEY=VALUE are the words of a run or a sweep.

    prefixrun params model=gpt2_medium method=prefix prefix_len=1,5,10
    prefixrun params model=gpt2_medium method=prefix,finetune_top budget=0.1%
    prefixrun params model=path model.path=DIR

What is trained is more than what is stored where an MLP makes the prefix and is dropped afterwards. The shape of a
model comes from config.json of a local directory or of the hub's cache, else from the architecture that its file in
conf/model/ names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefixrun import files
from prefixrun.config.method_specs import METHOD_SPECS, size_of, size_override
from prefixrun.config.schema import Config
from prefixrun.console import say
from prefixrun.errors import ConfigError
from prefixrun.sweeps.parameter_table import Row, rows

HEADING = ("model", "method", "size", "trained", "share", "stored", "share", "total")
TEXTS = 3
"""Columns that are texts; the others are numbers."""


def run(words: Sequence[str]) -> int:
    """Print the counts, and write them to json=FILE if asked to. Returns 0; raises when no point has any."""
    overrides = [word for word in words if not word.startswith("json=") and word not in ("-m", "--multirun")]
    found = rows(overrides)
    if all(row.counts is None for row in found):
        raise ConfigError("\n".join(dict.fromkeys(row.reason for row in found)))
    say("\n".join(_table(found)))
    for word in words:
        if word.startswith("json="):
            path = Path(word.removeprefix("json=")).expanduser().resolve()
            files.write_json(path, {"rows": [_entry(row) for row in found]})
    return 0


def _table(found: Sequence[Row]) -> Iterator[str]:
    cells = [HEADING, *(_cells(row) for row in found if row.counts is not None)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADING))]
    for row in cells:
        padded = [
            cell.ljust(width) if column < TEXTS else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(padded)
    for failed in (row for row in found if row.counts is None):
        yield f"impossible: {failed.label}: {' '.join(failed.reason.split())}"


def _cells(row: Row) -> tuple[str, ...]:
    config, counts = row.point.config, row.counts
    assert config is not None
    assert counts is not None
    asked = f" (budget={config.budget})" if config.budget else ""
    return (
        *(config.model.name, config.method.name, size_override(config) + asked),
        *(f"{counts.trained:,}", f"{counts.trained_share:.4f} %"),
        *(f"{counts.stored:,}", f"{counts.stored_share:.4f} %"),
        f"{counts.total:,}",
    )


def _entry(row: Row) -> dict[str, Any]:
    config, counts = row.point.config, row.counts
    return {
        "overrides": list(row.point.overrides),
        "reason": row.reason or None,
        "model": config.model.name if config else None,
        "method": config.method.name if config else None,
        "size": _size(config) if config else None,
        "budget": config.budget if config else None,
        "parameters": asdict(counts) if counts else None,
        "trained_percent": counts.trained_share if counts else None,
        "stored_percent": counts.stored_share if counts else None,
    }


def _size(config: Config) -> dict[str, int | None] | None:
    key = METHOD_SPECS[config.method.name].size_key
    return None if key is None else {key: size_of(config)}
