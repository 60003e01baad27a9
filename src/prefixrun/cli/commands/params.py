"""prefixrun params KEY=VALUE,VALUE ... [--config-dir DIR] [json=FILE]

How many parameters a method trains and stores, and the share of the model's that is. No weights are read and nothing is
run, so neither a corpus nor the model has to be here; KEY=VALUE are the overrides of a run or a sweep.

    prefixrun params model=gpt2_medium method=prefix prefix_len=1,5,10
    prefixrun params model=gpt2_medium method=prefix,finetune_top budget=0.1%
    prefixrun params model=path model.path=DIR

What is trained is more than what is stored where an MLP makes the prefix and is dropped afterwards. The shape of a
model comes from config.json of a local directory or of the hub's cache, else from the architecture that its file in
conf/model/ names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from prefixrun import files
from prefixrun.cli.arguments import check_out, parse_some, path_of, split_config_dir
from prefixrun.config.compose import SweepPoint
from prefixrun.config.method_sizes import size_of, size_override
from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.config.schema import Config
from prefixrun.console import print_table, print_text, simple_table
from prefixrun.errors import ConfigError, PrefixrunError
from prefixrun.methods import refuse_length
from prefixrun.methods.parameter_count import Parameters, count
from prefixrun.models.skeleton import skeleton
from prefixrun.runs import configure
from prefixrun.sweeps.plan import point_labels

COLUMNS = ("model", "method", "size", "trained", "share", "stored", "share", "total")
NUMBERS = range(3, len(COLUMNS))
"""Indices of the columns that are numbers."""

NO_CORPUS = "data_dir=DIR"
"""Stands for the corpora of profiles that ask for them: none is read."""


@dataclass(frozen=True, slots=True)
class PointCounts:
    """One point of a sweep with its counts, or the reason why it has none."""

    point: SweepPoint
    label: str
    counts: Parameters | None
    reason: str = ""


def run(arguments: Sequence[str]) -> int:
    """Print the counts, and write them to json=FILE if asked to. Returns 0; raises when no point has any."""
    config_dir, others = split_config_dir(arguments)
    values, overrides = parse_some([argument for argument in others if argument not in ("-m", "--multirun")], ("json",))
    check_out(values)
    counted = count_points(overrides, config_dir)
    if all(row.counts is None for row in counted):
        raise ConfigError("\n".join(dict.fromkeys(row.reason for row in counted)))
    print_table(simple_table(COLUMNS, (_cells(row) for row in counted if row.counts), numbers=NUMBERS))
    for row in counted:
        if row.counts is None:
            print_text(f"impossible: {row.label}: {' '.join(row.reason.split())}")
    if out := path_of(values, "json"):
        files.write_json(out, {"rows": [_entry(row) for row in counted]})
    return 0


def count_points(overrides: Sequence[str], config_dir: Path | None = None) -> list[PointCounts]:
    """The counts of every point of a sweep, without weights. Raises ConfigError for overrides that are always wrong.

    config_dir: further choices of the user's own, laid out as conf/.
    """
    points = [
        replace(point, overrides=tuple(override for override in point.overrides if override != NO_CORPUS))
        for point in configure.sweep_points([NO_CORPUS, *overrides], config_dir=config_dir)
    ]
    return [_count(point, label) for point, label in zip(points, point_labels(points), strict=True)]


def _count(point: SweepPoint, label: str) -> PointCounts:
    if point.config is None:
        return PointCounts(point, label, None, "; ".join(point.problems))
    try:
        backbone = skeleton(point.config.model)
        refuse_length(point.config, backbone)
        return PointCounts(point, label, count(point.config, backbone))
    except PrefixrunError as error:
        return PointCounts(point, label, None, str(error))


def _cells(row: PointCounts) -> tuple[str, ...]:
    config, counts = row.point.config, row.counts
    assert config is not None
    assert counts is not None
    budget = f" (budget={config.budget})" if config.budget else ""
    return (
        *(config.model.name, config.method.name, size_override(config) + budget),
        *(f"{counts.trained:,}", f"{counts.trained_share:.4f} %"),
        *(f"{counts.stored:,}", f"{counts.stored_share:.4f} %"),
        f"{counts.total:,}",
    )


def _entry(row: PointCounts) -> dict[str, Any]:
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
