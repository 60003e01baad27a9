"""The inputs and references behind outputs.

They come from a run's own generations, from the sample corpora of the package, or from data_dir; committed records keep
outputs alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prefixrun import data
from prefixrun.data import Corpus
from prefixrun.errors import PrefixrunError
from prefixrun.results.records import Record
from prefixrun.runs.result_schema import SAMPLE

NO_INPUTS = "Records keep outputs alone, because corpora have licences: data_dir=DIR adds inputs and references."
UNREADABLE = "The corpus could not be read from data_dir, so inputs and references are not shown."
OTHER_CORPUS = "The corpus in data_dir has other contents than the one these runs were scored on."


@dataclass(frozen=True, slots=True)
class Text:
    """An input with its references."""

    source: str
    references: tuple[str, ...]
    group: str = ""


def texts_of(
    records: Sequence[Record], name: str, data_dir: Path | None, problems: list[tuple[str, str]]
) -> tuple[Mapping[str, Text], str]:
    """Id → input and references; without them, the sentence that says why.

    `records`: runs scored on one part of one corpus, `name` what they are called in `problems`, which is added to.
    """
    first = max(records, key=lambda record: int(record.result["n_inputs"]))
    for record in records:
        if record.result["n_inputs"] != first.result["n_inputs"]:
            continue
        try:
            kept = record.generations()
            if kept:
                return {str(each["id"]): Text(each["source"], tuple(each["references"])) for each in kept}, ""
        except (PrefixrunError, KeyError, TypeError) as error:
            problems.append((f"inputs of {record.directory.name}", f"damaged: {error}"))
    corpus, note = scored_corpus(first, name, data_dir, problems)
    return {each.id: Text(each.source, each.references, each.group) for each in corpus.examples} if corpus else {}, note


def scored_corpus(
    record: Record, name: str, data_dir: Path | None, problems: list[tuple[str, str]]
) -> tuple[Corpus | None, str]:
    """The part of the corpus that a run was scored on; without it, the sentence that says why. See `texts_of`."""
    is_sample = record.result["data_source"] == SAMPLE
    if data_dir is None and not is_sample:
        return None, NO_INPUTS
    root = None if is_sample else data_dir
    try:
        corpus = data.load(record.task, record.split, root, linearisation=linearisation(record), verify=False)
    except PrefixrunError as error:
        problems.append((f"inputs of {name}", str(error)))
        return None, UNREADABLE
    scored_on = {file["sha256"] for file in record.result.get("data", {}).get(record.split, {}).get("files", ())}
    if scored_on and scored_on != {file.sha256 for file in corpus.files}:
        problems.append((f"inputs of {name}", OTHER_CORPUS))
        return None, OTHER_CORPUS
    return corpus, ""


def linearisation(record: Record) -> str:
    """How the run's inputs became strings."""
    return str(record.settings.get("task.linearisation") or "paper")
