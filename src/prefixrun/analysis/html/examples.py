"""What runs wrote for the same inputs, side by side, each text kept once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prefixrun.analysis.html.pool import Pool
from prefixrun.errors import PrefixrunError
from prefixrun.files import canonical_json
from prefixrun.results.examples import evenly, linearisation, scores_by_example, texts_of
from prefixrun.results.record import Record

MOST_CHARACTERS = 6_000_000
"""Of all outputs together: what a browser opens at once, on a phone too."""

FEWEST_INPUTS = 20
"""Of a set, however many runs there are."""


@dataclass(slots=True)
class Group:
    """Runs that were scored on the same part of the same corpus, by their position among all runs."""

    name: str
    runs: dict[int, Record] = field(default_factory=dict)
    outputs: dict[int, dict[str, str]] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        """All inputs, in the order of the corpus: those of the run that has most."""
        most: dict[str, str] = max(self.outputs.values(), key=len)
        return list(most)

    @property
    def characters(self) -> float:
        """Of the outputs for one input, all runs together."""
        return sum(sum(map(len, of_run.values())) / len(of_run) for of_run in self.outputs.values())


@dataclass(frozen=True, slots=True)
class Examples:
    """All sets of the report, those with most runs first, and what could not be read."""

    sets: tuple[dict[str, Any], ...]
    problems: tuple[tuple[str, str], ...]
    """(what, reason)."""


def collect(records: Sequence[Record], data_dir: Path | None, most_characters: int = MOST_CHARACTERS) -> Examples:
    """Every run's outputs, of as many inputs as there is room for.

    `data_dir`: directory of the corpora, from which inputs and references come that no run has beside its outputs.
    """
    problems: list[tuple[str, str]] = []
    groups = _groups(records, problems)
    characters = sum(group.characters for group in groups)
    most = max(FEWEST_INPUTS, int(most_characters / max(1.0, characters)))
    sets = [_set(group, most, data_dir, problems) for group in groups]
    return Examples(tuple(sorted(sets, key=lambda example_set: -len(example_set["outputs"]))), tuple(problems))


def _groups(records: Sequence[Record], problems: list[tuple[str, str]]) -> list[Group]:
    groups: dict[str, Group] = {}
    names: dict[str, int] = {}
    for position, record in enumerate(records):
        try:
            outputs = record.outputs()
        except PrefixrunError as error:
            problems.append((f"outputs of {record.directory.name}", str(error)))
            continue
        if not outputs:
            continue
        corpus = (record.task, record.split, record.result["data_source"])
        key = canonical_json([*corpus, record.scored_files, linearisation(record)])
        if key not in groups:
            name = "-".join(corpus)
            names[name] = names.get(name, 0) + 1
            groups[key] = Group(name if names[name] == 1 else f"{name}-{names[name]}")
        groups[key].runs[position] = record
        groups[key].outputs[position] = outputs
    return list(groups.values())


def _set(group: Group, most: int, data_dir: Path | None, problems: list[tuple[str, str]]) -> dict[str, Any]:
    """One set as the page reads it: `texts` once each, everything else as positions in them, id by id.

    An output is null for an input that its run was not scored on.
    """
    ids = evenly(group.ids, most)
    pool = Pool()
    outputs = {
        str(position): [pool.add(written[identifier]) if identifier in written else None for identifier in ids]
        for position, written in group.outputs.items()
    }
    known, note = texts_of(list(group.runs.values()), group.name, data_dir, problems)
    texts = [known[identifier] for identifier in ids] if all(identifier in known for identifier in ids) else []
    first = next(iter(group.runs.values()))
    return {
        "name": group.name,
        "title": f"{first.task}, {first.split}, {first.result['data_source']}",
        "shown": _shown(len(ids), len(group.ids), len(outputs)),
        "note": note,
        "ids": ids,
        "groups": [text.group for text in texts] if any(text.group for text in texts) else None,
        "inputs": [pool.add(text.source) for text in texts] or None,
        "references": [[pool.add(reference) for reference in text.references] for text in texts] or None,
        "outputs": outputs,
        "start": first_choice(group.runs),
        "per_example": scores_by_example(group.runs, ids, problems),
        "texts": pool.values,
    }


def first_choice(runs: Mapping[int, Record]) -> list[int]:
    """Positions of the runs to begin with: one of prefix-tuning and one of another method, as alike as there are."""
    first = next((position for position, run in runs.items() if run.method == "prefix"), next(iter(runs)))

    def likeness(position: int) -> tuple[bool, int]:
        first_run, run = runs[first], runs[position]
        names = ("model", "n_train", "subsample_seed", "seed")
        return first_run.method != run.method, sum(getattr(first_run, name) == getattr(run, name) for name in names)

    others = [position for position in runs if position != first]
    return [first, max(others, key=likeness)] if others else [first]


def _shown(inputs: int, available: int, runs: int) -> str:
    count = f"all {inputs:,}" if inputs == available else f"{inputs:,} of {available:,}, at even distances"
    return f"Inputs: {count}. Runs with outputs: {runs:,}."
