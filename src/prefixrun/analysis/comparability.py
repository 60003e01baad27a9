"""Which numbers may stand beside which, decided here and nowhere else, from the strictest question to the loosest:

* averaged: runs that differ in seed and subsample alone (`Record.group_key`);
* compared: runs with the same `comparison_key` and the same `training_amount`;
* in one column of a table: scores with the same `scope` and the same signature (`check_signatures`);
* beside the paper's numbers: runs without `obstacles`, in the row that they belong to (`is_of_row`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from prefixrun.analysis.paper_numbers import Row
from prefixrun.config.method_specs import spec_of
from prefixrun.data import NOT_OF_THE_PAPER
from prefixrun.data.manifest import UNVERIFIED
from prefixrun.errors import DataError
from prefixrun.results.display_names import TASKS
from prefixrun.results.record import Record
from prefixrun.runs.result_schema import RELEASE, SAMPLE, pairs_seen, stored_share
from prefixrun.runs.version import meaning_of_runs

DECODING = (
    "beams",
    "length_norm",
    "length_penalty",
    "max_new_tokens",
    "min_new_tokens",
    "no_repeat_ngram",
    "ban_newlines",
    "repetition_penalty",
    "sample",
    "temperature",
    "top_k",
    "top_p",
)
"""Settings of decoding that change outputs."""

INPUT = ("task.linearisation", "task.max_source_tokens", "task.instruction", "model.layout")
"""Settings of what the model reads for an input."""

BEAMS, XSUM_BEAMS = 5, 6
"""Of the paper's decoding (sections 5.3 and B; the released code)."""

LIMITS = {"max_new_tokens": 100, "min_new_tokens": 0, "no_repeat_ngram": 0, "repetition_penalty": 1.0}
XSUM_LIMITS = {**LIMITS, "max_new_tokens": 61, "min_new_tokens": 10}
"""What else its code lets an output be, by the name of the setting."""

SAME_SHARE = log(3)
"""Shares of parameters within a factor of 3 are the paper's rounded one: its 0.1 % is 0.07 % on E2E, 0.14 % on DART."""

Key = tuple[object, ...]
"""Equal for runs that belong together, and hashable."""


def scope(record: Record) -> tuple[str, str, str, int]:
    """Task, split, data source and number of inputs: within one scope scores may stand in one column."""
    return record.task, record.split, str(record.result["data_source"]), int(record.result["n_inputs"])


def comparison_key(record: Record) -> Key:
    """What runs must share before their scores are compared: everything but the method and the amount of training.

    The scope, the model and its weights, the contents of the scored file, how inputs become strings, how outputs are
    decoded, what was learnt (the targets, or a teacher's predictions), and what the numbers mean (`SEMANTICS`).
    """
    return (
        *scope(record),
        record.model,
        record.result.get("backbone", {}).get("sha256"),
        tuple(record.scored_files),
        *(record.settings.get(name) for name in INPUT),
        *(record.settings.get(f"decode.{name}") for name in DECODING),
        record.settings.get("train.objective"),
        meaning_of_runs(record.result["provenance"].get("semantics")),
    )


def training_amount(record: Record) -> tuple[int, int, str]:
    """Training pairs, how many of them are seen, and the precision, which comparisons of methods hold equal too.

    Several epochs count as one, because the paper trains its methods for different numbers of epochs.
    """
    return record.n_train, record.seen, record.precision


def settings_except(record: Record, *keys: str) -> Key:
    """Equal for runs that differ, beside their seeds, in the settings `keys` alone; see Record.settings_except."""
    settings = sorted((key, repr(value)) for key, value in record.settings_except(*keys).items())
    return (*comparison_key(record), record.n_train, *settings)


def speaks_of_the_paper(record: Record) -> bool:
    """Whether a run is of a real corpus of the paper and a whole trained backbone, so that it may stand beside it."""
    is_random = record.settings.get("model.source") == "random"
    is_probe = record.settings.get("model.layers") is not None
    of_the_paper = TASKS.keys() - set(NOT_OF_THE_PAPER)
    return record.result["data_source"] != SAMPLE and record.task in of_the_paper and not is_random and not is_probe


def have_one_signature(records: Iterable[Record], metric: str) -> bool:
    """Whether a score was computed in the same way for all of the records that have it."""
    return len({record.signature(metric) for record in records if record.value(metric) is not None}) < 2


def check_signatures(records: Iterable[Record], metrics: Iterable[str]) -> None:
    """Raise DataError when scores for one column were computed in different ways, with a run for each signature."""
    records = tuple(records)
    for metric in metrics:
        # The first run of each signature, by scope.
        examples: dict[tuple[object, ...], dict[str, Record]] = {}
        for record in records:
            if (signature := record.signature(metric)) is not None and record.value(metric) is not None:
                examples.setdefault(scope(record), {}).setdefault(signature, record)
        for by_signature in examples.values():
            if len(by_signature) > 1:
                first = next(iter(by_signature.values()))
                parts = [f"{signature} ({run.directory.name})" for signature, run in sorted(by_signature.items())]
                raise DataError(
                    f"{first.directory.parent}: {metric} of {first.task} has {len(parts)} signatures, which cannot "
                    f"stand in one column: {' and '.join(parts)}; score the outputs of one of them again, or move its "
                    "record away"
                )


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a run may be compared with the paper, and why not."""

    text: str
    """`not comparable (reasons)`, or what one run can say."""
    row: Row | None = None
    """The paper's row of the same model and method, ACL version, where the run may be compared; else None."""


def verdict(result: Mapping[str, Any], rows: Sequence[Row]) -> Verdict:
    """Judge one finished run by its model, its data and its method.

    `result`: fields of result.json; beside the required ones, `n_train_available` and `n_inputs_available` (sizes
    of the whole parts) tell a subset from the whole. `rows`: the paper's rows of the task and split.
    """
    reasons = obstacles(result, rows)
    if reasons:
        return Verdict(f"not comparable ({'; '.join(reasons)})")
    same = [row for row in rows if (row.model, row.method) == (result["model"], result["method"])]
    return Verdict("undecided (one run; the paper prints no spread between seeds)", _nearest(result, same))


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
        if spec_of(result["method"]).trains:
            reasons += _subset(result, "n_train", "trained on", "pairs")
            if (seen := pairs_seen(result)) < result["n_train"]:
                reasons.append(f"saw {seen:,} of {result['n_train']:,} pairs")
        reasons += _subset(result, "n_inputs", "scored on", "inputs")
        if any(part.get("version") == UNVERIFIED for part in result.get("data", {}).values()):
            reasons.append("corpus files not verified")
    decode, is_xsum = result.get("settings", {}).get("decode", {}), str(result["task"]).startswith("xsum")
    beams, usual = decode.get("beams"), XSUM_BEAMS if is_xsum else BEAMS
    if decode.get("sample"):
        reasons.append(f"outputs sampled, the paper searches with beam {usual}")
    elif beams is not None and beams != usual:
        reasons.append(f"decoded with beam {beams}, the paper with {usual}")
    reasons += [
        f"decode.{name} of {decode[name]:g}, the paper's is {value:g}"
        for name, value in (XSUM_LIMITS if is_xsum else LIMITS).items()
        if decode.get(name, value) != value
    ]
    if result.get("settings", {}).get("train", {}).get("objective") == "distill":
        reasons.append("learnt from a teacher, not from the targets")
    method = result.get("settings", {}).get("method", {})
    if result["method"] == "prefix" and (method.get("layers") or method.get("sites", "all") != "all"):
        reasons.append("enters a part of the model alone")
    if quantised := result.get("settings", {}).get("model", {}).get("quantize"):
        reasons.append(f"weights quantised to {quantised}")
    return reasons


def is_of_row(result: Mapping[str, Any], row: Row) -> bool:
    """Whether a run has the model, method, prefix length and share of parameters of a row, as far as it names them."""
    if (row.model, row.method) != (result["model"], result["method"]):
        return False
    if row.prefix_len is not None and row.prefix_len != result["prefix_len"]:
        return False
    return row.share is None or is_share(stored_share(result), row.share)


def is_share(share: float, printed: float) -> bool:
    """Whether a share of parameters is the printed one, both in per cent; see SAME_SHARE."""
    return share > 0 and abs(log(share / printed)) < SAME_SHARE


def _subset(result: Mapping[str, Any], key: str, done: str, unit: str) -> list[str]:
    number, available = result[key], result.get(f"{key}_available")
    return [f"{done} {number:,} of {available:,} {unit}"] if available is not None and number < available else []


def _nearest(result: Mapping[str, Any], rows: Sequence[Row]) -> Row:
    """The published version first, then the row of the same prefix length where the paper has several."""
    return min(rows, key=lambda row: (row.version != "ACL", row.prefix_len != result["prefix_len"]))
