"""Corpora: release files in, examples out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from prefixrun.data import e2e
from prefixrun.data.example import Corpus, DataFile, Example, Pair, Skipped
from prefixrun.errors import DataError

SPLITS = ("train", "dev", "test")
SAMPLES = Path(__file__).parent / "samples"

Loader = Callable[[Path, str, str], Corpus]
"""Reads one split: (directory of the task's files, split, linearisation) to corpus."""
LOADERS: Mapping[str, Loader] = {"e2e": e2e.load}

__all__ = ["LOADERS", "SAMPLES", "SPLITS", "Corpus", "DataFile", "Example", "Pair", "Skipped", "load"]


def load(task: str, split: str, root: Path | None, *, linearisation: str = "paper") -> Corpus:
    """One split of a task.

    Args:
        task: name of the task, which is also the name of its directory.
        split: ``train``, ``dev`` or ``test``.
        root: the directory that holds ``<task>/``; None for the sample corpus inside the package.
        linearisation: how an input becomes a string; each task names its own, ``paper`` is the paper's code's.

    Raises:
        DataError: anything missing or malformed, with file and line.
    """
    if split not in SPLITS:
        raise DataError(f"{task}: no split {split!r}; there are {', '.join(SPLITS)}")
    if task not in LOADERS:
        raise DataError(f"{task}: no loader for this task; there are {', '.join(LOADERS)}")
    directory = (SAMPLES if root is None else root) / task
    return LOADERS[task](directory, split, linearisation)
