"""The model card of an export for the Hugging Face hub: task, data and its licence, scores, and how to load it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from prefixrun.config.method_specs import spec_of
from prefixrun.console import NONE
from prefixrun.data import DIRECTORIES
from prefixrun.data.publications import PUBLICATIONS
from prefixrun.metrics import resampling
from prefixrun.runs.result_schema import GENERATED, SAMPLE

if TYPE_CHECKING:
    from prefixrun.results.lookup import OpenedRun


def model_card(opened: OpenedRun, parts: Sequence[str], usage: str) -> str:
    """Markdown with the header that the hub reads. parts: names of the exported files; usage: lines of Python."""
    record, result = opened.record, opened.record.result
    published = PUBLICATIONS.get(DIRECTORIES.get(record.task, record.task))
    is_sample = result["data_source"] == SAMPLE
    data, licence = f"{record.task}, a task of one's own", "not known to prefixrun"
    if is_sample:
        data, licence = "the sample corpus of prefixrun", "MIT, as prefixrun"
    elif result["data_source"] == GENERATED:
        data, licence = f"{record.task}, which prefixrun generates", "MIT, as prefixrun"
    elif published is not None:
        data, licence = f"{record.task} ({published.home})", published.licence
    header = {
        "library_name": "peft" if "peft" in parts else "prefixrun",
        "tags": ["prefix-tuning", "text-generation", record.task],
        **({"base_model": opened.config.model.hub} if opened.config.model.hub else {}),
    }
    lines = [
        "---",
        *(f"{key}: {json.dumps(value)}" for key, value in header.items()),
        "---",
        f"# {spec_of(record.method).label} on {record.task}, {record.model}",
        "",
        f"What run {record.run_id} of prefixrun trained: {result['parameters']['stored']:,} numbers beside a frozen "
        f"model of {result['parameters']['total']:,}.",
        *_cut_line(opened),
        "",
        f"* model: {result['backbone']['files']} (SHA-256 {result['backbone']['sha256'][:12]})"
        + (f", weights quantised to {quantised}" if (quantised := opened.config.model.quantize) else ""),
        f"* data: {data}; {result['n_train']:,} training pairs; licence of the data: {licence}",
        f"* files: {', '.join(parts)}, result.json (settings, scores, costs)",
        "",
        f"## Scores on {result['n_inputs']:,} {result['split']} inputs",
        "",
        "| metric | score | 95 % interval over inputs | signature |",
        "|---|---:|---:|---|",
        *_score_lines(opened),
        "",
        "## Use",
        "",
        "```python",
        usage,
        "```",
    ]
    return "\n".join(lines) + "\n"


def _cut_line(opened: OpenedRun) -> list[str]:
    """What a part of a nested prefix is: result.json and the scores are those of the whole."""
    length, whole = opened.config.prefix_len, opened.record.prefix_len
    if not opened.config.method.nested or length == whole:
        return []
    stored = sum(tensor.numel() for tensor in opened.method.trained_tensors().values())
    return [
        "",
        f"Exported are its first {length} of {whole} positions, {stored:,} numbers. The scores below and result.json "
        f"are those of all {whole}.",
    ]


def _score_lines(opened: OpenedRun) -> list[str]:
    intervals = _intervals(opened)
    lines = []
    for name, score in opened.record.result["scores"].items():
        value = NONE if score["value"] is None else f"{score['value']:.2f}"
        interval = intervals.get(name)
        span = NONE if interval is None else f"{interval.low:.2f} to {interval.high:.2f}"
        signature = str(score["signature"]).replace("|", "\\|")
        lines.append(f"| {name} | {value} | {span} | {signature} |")
    return lines


def _intervals(opened: OpenedRun) -> Mapping[str, resampling.Interval]:
    """Bootstrap intervals from the counts that the run has stored; none without them."""
    counts = opened.record.stats()
    return {} if counts is None else resampling.intervals(opened.record.scored_as, counts.columns, counts.groups)
