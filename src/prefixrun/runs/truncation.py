"""How many inputs lose their end to task.max_source_tokens: counted, said and recorded, never silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from prefixrun.data.run_data import Corpora
from prefixrun.models.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Truncation:
    """Inputs of one part of a run."""

    cut: int
    """Inputs that lost their end."""
    of: int
    """Inputs in all."""


def truncation(corpora: Corpora, tokenizer: Tokenizer) -> Mapping[str, Truncation]:
    """For ``train`` (the chosen pairs), ``dev`` (the pairs whose loss is measured) and ``scored`` (what is decoded).

    An input counts once, however many references it has.
    """
    parts = {
        "train": {pair.example_id: pair.source for pair in corpora.pairs},
        "dev": {pair.example_id: pair.source for pair in corpora.dev_pairs},
        "scored": {example.id: example.source for example in corpora.inputs},
    }
    return {
        part: Truncation(sum(map(tokenizer.truncates, sources.values())), len(sources))
        for part, sources in parts.items()
    }


def sentence(parts: Mapping[str, Truncation], limit: int) -> str:
    """What the log and the terminal say of it."""
    counts = ", ".join(f"{part} {cut.cut:,} of {cut.of:,}" for part, cut in parts.items())
    return f"inputs cut to {limit} tokens (task.max_source_tokens): {counts}"
