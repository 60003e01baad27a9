"""What a run reads: the three parts of its task and what is chosen from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from prefixrun import data
from prefixrun.config.schema import Config, TaskConfig
from prefixrun.data import Corpus, Example, Pair
from prefixrun.data.subset import choose, choose_examples, select_pairs
from prefixrun.errors import ConfigError

DEV_SEED = 0
"""Seed of the choice of development pairs: the same for every run, so that their dev losses can be compared."""
NO_DEV_PAIRS = (
    "eval_split=dev takes the development loss from training pairs that are not used, and all are; give train_size or "
    "data_fraction, or eval_split=test"
)


@dataclass(frozen=True, slots=True)
class TaskSplits:
    """The parts of one task: with the configuration, all that decides which run it is."""

    train: Corpus
    dev: Corpus
    test: Corpus

    @staticmethod
    def of(config: Config) -> TaskSplits:
        """Read them; those of the last task are kept, for the next run of a sweep."""
        root = None if config.data_dir is None else Path(config.data_dir).expanduser()
        stamp = _stamp(data.directory_of(config.task.name, root)) if root else ()
        verify = config.data.verify == "on"
        train, dev, test = (_read(config.task, split, root, verify, stamp) for split in data.SPLITS)
        return TaskSplits(train, dev, test)


@dataclass(frozen=True, slots=True)
class RunData(TaskSplits):
    """The parts of one task that a run uses, and what is chosen from them."""

    pairs: tuple[Pair, ...]
    """The training pairs that were selected."""
    dev_pairs: tuple[Pair, ...]
    """The development pairs whose loss is measured while training; may be none."""
    scored: Corpus
    """The part whose inputs are decoded and scored."""
    inputs: tuple[Example, ...]
    """Those inputs: all of that part, or test_size of them."""

    @classmethod
    def load(cls, config: Config) -> RunData:
        parts = TaskSplits.of(config)
        train, dev, test = parts.train, parts.dev, parts.test
        pairs = select_pairs(train, config.train_size, config.data_fraction, config.subsample_seed)
        scored = dev if config.eval_split == "dev" else test
        source = train if scored is dev else dev
        dev_pairs = _dev_pairs(config, pairs, source, _untrained(source, train, pairs))
        return cls(train, dev, test, pairs, dev_pairs, scored, choose_examples(scored.examples, config.test_size))

    @property
    def dev_source(self) -> Corpus:
        """Where dev_pairs come from: the development corpus, or the training pairs that were not chosen when the
        development corpus is scored. The paper does not say where its part for E2E came from; this rule keeps scored
        references out of every decision (schema.TrainConfig.eval_examples)."""
        return self.train if self.scored is self.dev else self.dev

    @property
    def untrained(self) -> tuple[Pair, ...]:
        """The pairs of dev_source that are not trained on."""
        return _untrained(self.dev_source, self.train, self.pairs)

    def choices(self) -> dict[str, Any]:
        """Which pairs are trained on and measured: ids where not all pairs of a corpus were chosen, counts always."""
        parts = {"train": (self.train, self.pairs), "dev": (self.dev_source, self.dev_pairs)}
        return {part: _choice(corpus, pairs) for part, (corpus, pairs) in parts.items()}


def _untrained(source: Corpus, train: Corpus, pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
    """The pairs of `source` that are none of `pairs`, which are of `train`.

    Ids are unique in one corpus alone: an own task may number the lines of each part from 1.
    """
    chosen = {pair.id for pair in pairs} if source is train else set()
    return tuple(pair for pair in source.all_pairs() if pair.id not in chosen)


def _dev_pairs(config: Config, pairs: tuple[Pair, ...], source: Corpus, free: tuple[Pair, ...]) -> tuple[Pair, ...]:
    """Development pairs from `free`, the pairs of `source` that are none of `pairs`.

    Raises ConfigError when train.dev_share gives no pair or more than there are, or none is left for train.keep=best.
    """
    share = config.train.dev_share
    if share is None:
        if not free and (config.train.keep == "best" or config.train.patience is not None):
            raise ConfigError(f"train.keep, train.patience: {NO_DEV_PAIRS}")
        return choose(free, config.train.eval_examples, DEV_SEED)
    size = int(share * len(pairs) + 1e-9)  # 0.29 * 100 is a little less than 29
    if not 0 < size <= len(free):
        where = f"{source.task}/{source.split}" + (" outside the training pairs" if source.split == "train" else "")
        raise ConfigError(
            f"train.dev_share={share:g}: {size} development pairs for {len(pairs)} training pairs, and there are "
            f"{len(free)} in {where}; give another share or train_size, or train.dev_share=null"
        )
    return choose(free, size, config.subsample_seed)


def _choice(corpus: Corpus, pairs: tuple[Pair, ...]) -> dict[str, Any]:
    choice: dict[str, Any] = {"corpus": corpus.split, "available": corpus.pairs, "chosen": len(pairs)}
    return choice if len(pairs) == corpus.pairs else {**choice, "ids": [pair.id for pair in pairs]}


@lru_cache(maxsize=len(data.SPLITS))
def _read(task: TaskConfig, split: str, root: Path | None, verify: bool, _stamp: object) -> Corpus:
    return data.load(task.name, split, root, linearisation=task.linearisation, verify=verify, config=task)


def _stamp(directory: Path) -> tuple[tuple[str, int, int], ...]:
    """Changes when a file in the directory does."""
    entries = ((path, path.stat()) for path in sorted(directory.rglob("*")) if path.is_file())
    return tuple((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in entries)
