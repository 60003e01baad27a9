"""What may be said about a run beside the paper's numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from prefixrun.analysis.paper_numbers import Row
from prefixrun.data.manifest import UNVERIFIED
from prefixrun.runs.result_schema import RELEASE, pairs_seen

BEAMS, XSUM_BEAMS = 5, 6
"""Of the paper's decoding (sections 5.3 and B; the released code)."""

SAME_SHARE = log(3)
"""Shares of parameters within a factor of 3 are the paper's rounded one: its 0.1 % is 0.07 % on E2E, 0.14 % on DART."""


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
    reasons = obstacles(result, rows)
    if reasons:
        return Verdict(False, f"not comparable ({'; '.join(reasons)})")
    same = [row for row in rows if (row.model, row.method) == (result["model"], result["method"])]
    return Verdict(True, "undecided (one run; the paper prints no spread between seeds)", _nearest(result, same))


def obstacles(result: Mapping[str, Any], rows: Sequence[Row]) -> list[str]:
    """Why a run may not be compared with the paper's rows of its task and split; empty when it may."""
    if not rows:
        return ["the paper has no results for this task and split"]
    same_model = [row for row in rows if row.model == result["model"]]
    same_method = [row for row in same_model if row.method == result["method"]]
    is_other = {"backbone": not same_model, "corpus": result["data_source"] != RELEASE}
    others = [name for name, differs in is_other.items() if differs]
    reasons = [f"other {' and '.join(others)}"] if others else []
    if same_model and not same_method:
        reasons.append(f"the paper has no {result['method']} for this model")
    if result["data_source"] == RELEASE:
        reasons += _subset(result, "n_train", "trained on", "pairs")
        if (seen := pairs_seen(result)) < result["n_train"]:
            reasons.append(f"saw {seen:,} of {result['n_train']:,} pairs")
        reasons += _subset(result, "n_inputs", "scored on", "inputs")
        if any(part.get("version") == UNVERIFIED for part in result.get("data", {}).values()):
            reasons.append("corpus files not verified")
    beams, usual = result.get("settings", {}).get("decode", {}).get("beams"), _beams(str(result["task"]))
    if beams is not None and beams != usual:
        reasons.append(f"decoded with beam {beams}, the paper with {usual}")
    return reasons


def _beams(task: str) -> int:
    return XSUM_BEAMS if task.startswith("xsum") else BEAMS


def is_of_row(result: Mapping[str, Any], row: Row) -> bool:
    """Whether a run has the model, method, prefix length and share of parameters of a row, as far as it names them."""
    if (row.model, row.method) != (result["model"], result["method"]):
        return False
    if row.prefix_len is not None and row.prefix_len != result["prefix_len"]:
        return False
    if not row.params:
        return True
    parameters, printed = result["parameters"], float(row.params.rstrip("%")) / 100
    share = parameters["stored"] / parameters["total"] if parameters["total"] else 0.0
    return share > 0 and abs(log(share / printed)) < SAME_SHARE


def _subset(result: Mapping[str, Any], key: str, done: str, unit: str) -> list[str]:
    number, available = result[key], result.get(f"{key}_available")
    return [f"{done} {number:,} of {available:,} {unit}"] if available is not None and number < available else []


def _nearest(result: Mapping[str, Any], rows: Sequence[Row]) -> Row:
    """The published version first, then the row of the same prefix length where the paper has several."""
    return min(rows, key=lambda row: (row.version != "ACL", row.prefix_len != result["prefix_len"]))
