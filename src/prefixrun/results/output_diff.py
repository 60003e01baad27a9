"""The outputs of two runs for the same inputs, those that changed most first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prefixrun.results.examples import Problems, scores_by_example, texts_of
from prefixrun.results.record import Record


@dataclass(frozen=True, slots=True)
class ChangedOutput:
    """One input for which the two runs wrote different texts."""

    id: str
    source: str
    """Empty where the input is not known here."""
    references: tuple[str, ...]
    outputs: tuple[str, str]
    first: float | None
    """The score of the first run's output alone."""
    second: float | None

    @property
    def change(self) -> float | None:
        """Second minus first; None where an output has no score of its own."""
        return None if self.first is None or self.second is None else self.second - self.first


@dataclass(frozen=True, slots=True)
class OutputDiff:
    """All inputs with different outputs."""

    summary: str
    measure: str | None
    """The metric that says something of a single output; None without counts."""
    changed: tuple[ChangedOutput, ...]
    """By the size of the change; in the order of the inputs where there is no score."""
    notes: tuple[str, ...]


def output_diff(first: Record, second: Record, shared: Sequence[str], data_dir: Path | None) -> OutputDiff:
    """The shared inputs whose outputs differ. Raises PrefixrunError for outputs that cannot be read.

    `data_dir`: where inputs and references come from for records that keep outputs alone.
    """
    written = first.outputs(), second.outputs()
    ids = [input_id for input_id in shared if all(input_id in texts for texts in written)]
    different = [input_id for input_id in ids if written[0][input_id] != written[1][input_id]]
    problems: Problems = []
    known, note = texts_of((first, second), f"{first.task} {first.split}", data_dir, problems) if ids else ({}, "")
    scores = scores_by_example({0: first, 1: second}, different, problems) if different else None
    values = scores["values"] if scores else {}
    first_scores, second_scores = (values.get(position, [None] * len(different)) for position in ("0", "1"))
    changed = [
        ChangedOutput(
            example,
            known[example].source if example in known else "",
            known[example].references if example in known else (),
            (written[0][example], written[1][example]),
            *scores_of,
        )
        for example, *scores_of in zip(different, first_scores, second_scores, strict=True)
    ]
    changed.sort(key=lambda output: -abs(output.change or 0.0))
    measure = scores["name"] if scores and len(values) == 2 else None
    order = f", by the change of {measure}" if measure else ""
    notes = [note] if note and different else []
    return OutputDiff(
        f"outputs: {len(different):,} of {len(ids):,} differ{order}",
        measure,
        tuple(changed),
        tuple(dict.fromkeys([*notes, *(f"{what}: {why}" for what, why in problems)])),
    )
