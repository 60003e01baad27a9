"""Finished runs as one table: what the row of a run holds, and the pandas frame of all rows.

from prefixrun.results.frame import run_frame
from prefixrun.results.records import load_records

frame = run_frame(load_records(Path("results")).runs)
frame[frame.task == "e2e"].groupby(["method", "n_train"])["BLEU"].agg(["mean", "std", "count"])
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from prefixrun.results.records import Record, flatten

if TYPE_CHECKING:
    import pandas as pd

SECTIONS = ("parameters", "costs", "provenance")
"""Sections of result.json whose values are columns of their own: `costs.train_seconds`, in the units of result.json."""


def run_values(record: Record) -> dict[str, Any]:
    """The row of one run.

    Dotted settings (`train.lr`, with the schema's defaults), the plain fields of result.json (`run_id`, `task`,
    `n_train`, ...), SECTIONS, the value of each score by its name, and `dev_loss`.
    """
    result = record.result
    return {
        **record.settings,
        **{key: value for key, value in result.items() if value is None or isinstance(value, str | int | float)},
        **dict(flatten({name: result[name] for name in SECTIONS})),
        **{name: score["value"] for name, score in result["scores"].items()},
        "dev_loss": record.dev_loss,
    }


def run_frame(records: Iterable[Record]) -> pd.DataFrame:
    """One row a run, in the order of the records; a value that a run does not have is missing.

    Beside the values of `run_values`: `directory`, `seen` (training pairs that the schedule gets to), and `group`, a
    number that is equal for runs that differ in seed and subsample alone. Imports pandas, which takes half a second.
    """
    import pandas as pd

    rows = [
        {**run_values(record), "directory": str(record.directory), "seen": record.seen, "group": record.group_key}
        for record in records
    ]
    frame = pd.DataFrame(rows).convert_dtypes()
    if rows:
        frame["group"] = pd.factorize(frame["group"])[0]
    return frame
