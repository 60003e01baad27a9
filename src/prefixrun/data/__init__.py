"""Corpora: release files in, examples out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from os.path import isdir
from pathlib import Path

from prefixrun.config.schema import TaskConfig
from prefixrun.data import dart, e2e, generated, manifest, own_task, webnlg, webnlg_2020, xsum
from prefixrun.data.example import Corpus, DataFile, Example, Pair, Skipped
from prefixrun.errors import ConfigError

SPLITS = ("train", "dev", "test")
LINEARISATIONS = ("paper", "plain")
SAMPLES = Path(__file__).parent / "samples"

Loader = Callable[[Path, str, str], Corpus]
"""Reads one split: (directory of the corpus, split, linearisation) to corpus."""


def _generated(_directory: Path, split: str, _linearisation: str, *, task: str) -> Corpus:
    return generated.load(task, split)


LOADERS: Mapping[str, Loader] = {
    "e2e": e2e.load,
    "e2e_cleaned": partial(e2e.load, cleaned=True),
    "webnlg": webnlg.load,
    "webnlg_2020": webnlg_2020.load,
    "dart": dart.load,
    "xsum": xsum.load,
    "xsum_news_to_sports": partial(xsum.load, task="xsum_news_to_sports"),
    "xsum_within_news": partial(xsum.load, task="xsum_within_news"),
    **{task: partial(_generated, task=task) for task in generated.TASKS},
}
# Splits beyond the usual three: DART's test part in the form of the paper's time.
EXTRA_SPLITS: Mapping[str, tuple[str, ...]] = {"dart": ("test_6959",)}
_OF_OWN_TASKS = (
    *("source_column", "reference_columns", "id_column", "group_column", "merge_rows"),
    *("train_split", "dev_split", "test_split", "dataset"),
)
# Tasks that read the corpus of another.
DIRECTORIES: Mapping[str, str] = {"xsum_news_to_sports": "xsum", "xsum_within_news": "xsum"}
# Tasks that are scored like another, or with metrics of their own choice, as their files in conf/task/ say.
SCORED_AS: Mapping[str, str] = {
    **DIRECTORIES,
    "e2e_cleaned": "e2e",
    "webnlg_2020": "BLEU,METEOR,TER,chrF",
    "sort_letters": "EM,TER",
    "shift_letters": "EM,TER",
    "majority": "EM",
}
LATER = ("e2e_cleaned", "webnlg_2020")
"""Later releases of corpora of the paper, which has no results for them."""
NOT_OF_THE_PAPER = (*LATER, *generated.TASKS)
"""Tasks that have no results in the paper."""
# Where a corpus may lie too: inside the directory of the one that it is a later release of.
_INSIDE: Mapping[str, str] = {"e2e_cleaned": "e2e/cleaned"}

__all__ = ["LOADERS", "SAMPLES", "SPLITS", "Corpus", "DataFile", "Example", "Pair", "Skipped", "directory_of", "load"]


def directory_of(task: str, root: Path) -> Path:
    """Where a task's files lie below ``root``, the directory of all corpora; it may be absent."""
    directory = root / DIRECTORIES.get(task, task)
    inside = root / _INSIDE.get(task, "")
    return inside if task in _INSIDE and isdir(inside) and not isdir(directory) else directory


def load(
    task: str,
    split: str,
    root: Path | None,
    *,
    linearisation: str = "paper",
    verify: bool = True,
    config: TaskConfig | None = None,
) -> Corpus:
    """One split of a task.

    Args:
        task: one of the paper's tasks, a later release or a generated one, or an own one whose files lie in
            ``root/<task>/``.
        split: ``train``, ``dev`` or ``test``; ``test_6959`` for DART's older test file.
        root: the directory that holds ``<task>/``; None for the sample corpus inside the package. A generated task
            reads nothing of either.
        linearisation: how an input becomes a string: ``paper`` as the paper's code has it, or ``plain``.
        verify: refuse a copy that the manifest does not know; otherwise its ``version`` is ``unverified``.
        config: columns, parts and data set of an own task; without it they have the usual names.

    Raises:
        ConfigError: unknown task, split or linearisation.
        DataError: anything missing, malformed or incomplete, with file and line.
    """
    splits = SPLITS + EXTRA_SPLITS.get(task, ())
    if split not in splits:
        raise ConfigError(f"split: {task} has no {split!r}; it has {', '.join(splits)}")
    if linearisation not in LINEARISATIONS:
        raise ConfigError(f"task.linearisation: no {linearisation!r}; there are {', '.join(LINEARISATIONS)}")
    config = config or TaskConfig(name=task)
    name = DIRECTORIES.get(task, task)
    directory = directory_of(task, SAMPLES if root is None else root)
    if task not in LOADERS:
        return _load_own(config, split, root, directory)
    if changed := [key for key in _OF_OWN_TASKS if getattr(config, key) != getattr(TaskConfig(name=task), key)]:
        raise ConfigError(f"task.{changed[0]}: is for own tasks; the files of {task} have a form of their own")
    corpus = LOADERS[task](directory, split, linearisation)
    if task in generated.TASKS:
        return corpus
    if root is None:
        return replace(corpus, version="sample")
    return manifest.identify(corpus, name) if verify else replace(corpus, version=manifest.UNVERIFIED)


def _load_own(config: TaskConfig, split: str, root: Path | None, directory: Path) -> Corpus:
    """An own task's inputs are strings already, so both linearisations leave them as they are."""
    if config.dataset is None and (
        root is None or config.name == ".." or Path(config.name).name != config.name or not isdir(directory)
    ):
        raise ConfigError(
            f"task: no {config.name!r}; there are {', '.join(LOADERS)}, and an own task is a directory of that name in "
            f"data_dir with {', '.join(f'{name}.csv' for name in SPLITS)} (or .jsonl, .tsv, .parquet), or a data set "
            "that task.dataset names"
        )
    return own_task.load(directory, split, config)
