"""What may be said about a run beside the paper's numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefixrun.paper import Row

SAMPLE = "sample"
"""`data_source` of the small corpora in the package."""

RELEASE = "release"
"""`data_source` of a real corpus in data_dir, in its release format."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a run may be compared with the paper, and why not."""

    comparable: bool
    text: str
    """`not comparable (reasons)`, or what one run can say."""
    row: Row | None = None
    """The paper's row of the same model and method, ACL version, when comparable."""


def verdict(result: Mapping[str, Any], rows: Sequence[Row]) -> Verdict:
    """Judge one finished run by its model, its data and its method.

    `result`: fields of result.json; beside the required ones, `n_train_available` and `n_inputs_available` (sizes
    of the whole parts) tell a subset from the whole. `rows`: the paper's rows of the task and split.
    """
    if not rows:
        return Verdict(False, "not comparable (the paper has no results for this task and split)")
    same_model = [row for row in rows if row.model == result["model"]]
    same_method = [row for row in same_model if row.method == result["method"]]
    is_other = {"backbone": not same_model, "corpus": result["data_source"] != RELEASE}
    others = [name for name, differs in is_other.items() if differs]
    reasons = [f"other {' and '.join(others)}"] if others else []
    if same_model and not same_method:
        reasons.append(f"the paper has no {result['method']} for this model")
    if result["data_source"] == RELEASE:
        reasons += _subset(result, "n_train", "trained on", "pairs")
        reasons += _subset(result, "n_inputs", "scored on", "inputs")
    if reasons:
        return Verdict(False, f"not comparable ({'; '.join(reasons)})")
    return Verdict(True, "undecided (one run; the paper prints no spread between seeds)", _nearest(result, same_method))


def _subset(result: Mapping[str, Any], key: str, done: str, unit: str) -> list[str]:
    number, available = result[key], result.get(f"{key}_available")
    return [f"{done} {number:,} of {available:,} {unit}"] if available is not None and number < available else []


def _nearest(result: Mapping[str, Any], rows: Sequence[Row]) -> Row:
    """The published version first, then the row of the same prefix length where the paper has several."""
    return min(rows, key=lambda row: (row.version != "ACL", row.prefix_len != result["prefix_len"]))
