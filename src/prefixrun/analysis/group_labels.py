"""What run groups are called in tables, figures and claims."""

from __future__ import annotations

from collections.abc import Sequence

from prefixrun.analysis.groups import RunGroup, split_by
from prefixrun.config.method_specs import spec_of
from prefixrun.console import count
from prefixrun.results import display_names
from prefixrun.results.record import Record
from prefixrun.runs.result_schema import SAMPLE

IN_LABELS = ("task.", "model.", "method.name", "init.name", "init_words", "prefix_len")
"""Beginnings of the settings that a label already names."""


def labels(groups: Sequence[RunGroup]) -> dict[RunGroup, str]:
    """A name for each run group; groups that would share one also name the settings in which they differ."""
    return {group: ", ".join(filter(None, (_label(group), more))) for group, more in further_settings(groups).items()}


def further_settings(groups: Sequence[RunGroup]) -> dict[RunGroup, str]:
    """What tells apart the run groups that would share a label: `lr=0.0003, precision=bf16`; empty for the others."""
    return {
        group: ", ".join(_differences(group, alike)) if len(alike) > 1 else ""
        for alike in split_by(groups, _label)
        for group in alike
    }


def share_text(group: RunGroup) -> str:
    """`0.1 %` for methods that are told apart by the share of parameters they store, else empty."""
    return f"{group.share:.2g} %" if spec_of(group.method).compared_by_share else ""


def decoding_text(record: Record) -> str:
    """`greedy`, `sampling` or `beam 5`."""
    if record.settings.get("decode.sample"):
        return "sampling"
    beams = record.settings.get("decode.beams")
    return "greedy" if beams == 1 else f"beam {beams}"


def inputs_text(record: Record) -> str:
    """`300 test inputs`."""
    return count(record.result["n_inputs"], f"{record.split} input")


def amount_text(group: RunGroup) -> str:
    """The amount of training: `1,600 of 42,061 pairs, bf16`, steps times the size of a batch; see Record.seen."""
    part = f"{group.seen:,} of " if group.seen < group.n_train else ""
    return f"{part}{group.n_train:,} pairs" + ("" if group.precision == "fp32" else f", {group.precision}")


def circumstances(group: RunGroup) -> str:
    """Profile, corpus and amount of training, for numbers that were not made at the paper's setting."""
    result = group.first.result
    profiles = sorted({str(run.result["profile"]) for run in group.runs})
    parts = [f"{' and '.join(profiles)} profile"]
    if result["data_source"] == SAMPLE:
        parts.append("sample corpus")
    parts.append(_training(group))
    available = result.get("n_inputs_available")
    if available is not None and result["n_inputs"] < available:
        parts.append(f"{result['n_inputs']:,} of {available:,} inputs")
    return ", ".join(parts)


def _label(group: RunGroup) -> str:
    available = group.first.result.get("n_train_available")
    is_part = available is not None and group.n_train < available
    parts = (
        display_names.of_method(group.method),
        "distilled" if group.first.settings.get("train.objective") == "distill" else "",
        share_text(group),
        f"length {group.first.prefix_len}" if group.first.prefix_len is not None else "",
        group.init or "",
        f"{group.n_train:,} pairs" if is_part else "",
    )
    return ", ".join(filter(None, parts))


def _differences(group: RunGroup, alike: Sequence[RunGroup]) -> list[str]:
    """`key=value` of the settings in which run groups of one label differ, and a run id where that is not enough."""
    keys = sorted({key for group in alike for key in group.first.settings_except(*IN_LABELS)})
    differing = [key for key in keys if len({repr(group.first.settings.get(key)) for group in alike}) > 1]
    settings = group.first.settings
    texts = [f"{key.removeprefix('train.').removeprefix('method.')}={settings.get(key)}" for key in differing]
    equal = [group for group in alike if all(group.first.settings.get(key) == settings.get(key) for key in differing)]
    return [*texts, f"point of run {group.first.run_id}"] if len(equal) > 1 else texts


def _training(group: RunGroup) -> str:
    """How many pairs were seen, of how many; of a method without parameters to train that it saw none."""
    if not spec_of(group.method).trains:
        return "no training of its own"
    settings = group.first.settings
    steps, size = group.cost("train_steps"), settings.get("train.batch_size")
    if steps and size is not None:
        seen = round(steps * size * settings.get("train.accumulate", 1))
        if seen < group.n_train:
            return f"{seen:,} pairs from {group.n_train:,}"
    return f"{group.n_train:,} pairs"
