"""Plain English prose of several kinds, written for this program: news, a memory, a recipe, an explanation, a dialogue
and a letter. No task has such texts, so a model's loss on them says how much of its language it still has."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def passages() -> tuple[str, ...]:
    """One text a kind, about a hundred words each."""
    text = (Path(__file__).parent / "samples" / "plain.txt").read_text(encoding="utf-8")
    return tuple(passage.strip() for passage in text.split("\n\n"))
