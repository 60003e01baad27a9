"""What a run reads: the three parts of its task and the training pairs chosen from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from prefixrun import data
from prefixrun.data import Corpus, Pair
from prefixrun.data.subset import select_pairs
from prefixrun.schema import Config


@dataclass(frozen=True, slots=True)
class Corpora:
    """The parts of one task that a run uses."""

    train: Corpus
    dev: Corpus
    test: Corpus
    pairs: tuple[Pair, ...]
    """The training pairs that were selected."""

    @classmethod
    def load(cls, config: Config) -> Corpora:
        root = None if config.data_dir is None else Path(config.data_dir).expanduser()
        train, dev, test = (
            data.load(
                config.task.name,
                split,
                root,
                linearisation=config.task.linearisation,
                verify=config.data.verify == "on",
            )
            for split in data.SPLITS
        )
        pairs = select_pairs(train, config.train_size, config.data_fraction, config.subsample_seed)
        return cls(train, dev, test, pairs)
