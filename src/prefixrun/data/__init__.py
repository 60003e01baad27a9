"""Corpora: release files in, examples out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from os.path import isdir
from pathlib import Path

from prefixrun.data import dart, e2e, jsonl, manifest, webnlg, xsum
from prefixrun.data.example import Corpus, DataFile, Example, Pair, Skipped
from prefixrun.errors import ConfigError

SPLITS = ("train", "dev", "test")
LINEARISATIONS = ("paper", "plain")
SAMPLES = Path(__file__).parent / "samples"

Loader = Callable[[Path, str, str], Corpus]
"""Reads one split: (directory of the corpus, split, linearisation) to corpus."""
LOADERS: Mapping[str, Loader] = {
    "e2e": e2e.load,
    "webnlg": webnlg.load,
    "dart": dart.load,
    "xsum": xsum.load,
    "xsum_news_to_sports": partial(xsum.load, task="xsum_news_to_sports"),
    "xsum_within_news": partial(xsum.load, task="xsum_within_news"),
}
# Splits beyond the usual three: DART's test part in the form of the paper's time.
EXTRA_SPLITS: Mapping[str, tuple[str, ...]] = {"dart": ("test_6959",)}
# Tasks that read the corpus of another.
DIRECTORIES: Mapping[str, str] = {"xsum_news_to_sports": "xsum", "xsum_within_news": "xsum"}

__all__ = ["LOADERS", "SAMPLES", "SPLITS", "Corpus", "DataFile", "Example", "Pair", "Skipped", "load"]


def load(task: str, split: str, root: Path | None, *, linearisation: str = "paper", verify: bool = True) -> Corpus:
    """One split of a task.

    Args:
        task: one of the paper's tasks, or an own one whose JSON lines lie in ``root/<task>/``.
        split: ``train``, ``dev`` or ``test``; ``test_6959`` for DART's older test file.
        root: the directory that holds ``<task>/``; None for the sample corpus inside the package.
        linearisation: how an input becomes a string: ``paper`` as the paper's code has it, or ``plain``.
        verify: refuse a copy that the manifest does not know; otherwise its ``version`` is ``unverified``.

    Raises:
        ConfigError: unknown task, split or linearisation.
        DataError: anything missing, malformed or incomplete, with file and line.
    """
    splits = SPLITS + EXTRA_SPLITS.get(task, ())
    if split not in splits:
        raise ConfigError(f"split: {task} has no {split!r}; it has {', '.join(splits)}")
    if linearisation not in LINEARISATIONS:
        raise ConfigError(f"task.linearisation: no {linearisation!r}; there are {', '.join(LINEARISATIONS)}")
    name = DIRECTORIES.get(task, task)
    directory = (SAMPLES if root is None else root) / name
    if task not in LOADERS and (Path(task).name != task or not isdir(directory)):
        raise ConfigError(
            f"task: no {task!r}; there are {', '.join(LOADERS)}, and an own task is a directory of that name with "
            "train.jsonl, dev.jsonl and test.jsonl in data_dir"
        )
    corpus = LOADERS.get(task, partial(_load_own, task))(directory, split, linearisation)
    if root is None:
        return replace(corpus, version="sample")
    return manifest.identify(corpus, name) if verify else replace(corpus, version=manifest.UNVERIFIED)


def _load_own(task: str, directory: Path, split: str, linearisation: str) -> Corpus:
    """An own task's inputs are strings already, so both linearisations leave them as they are."""
    return jsonl.load(directory, split, task)
