"""What a run reads: the three parts of its task and what is chosen from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from prefixrun import data
from prefixrun.data import Corpus, Example, Pair
from prefixrun.data.subset import select_pairs
from prefixrun.schema import Config

DEV_SEED = 0
"""Seed of the choice of development pairs: the same for every run, so that their dev losses can be compared."""


@dataclass(frozen=True, slots=True)
class Corpora:
    """The parts of one task that a run uses."""

    train: Corpus
    dev: Corpus
    test: Corpus
    pairs: tuple[Pair, ...]
    """The training pairs that were selected."""
    dev_pairs: tuple[Pair, ...]
    """The development pairs whose loss is measured while training; may be none."""
    scored: Corpus
    """The part whose inputs are decoded and scored."""
    inputs: tuple[Example, ...]
    """Those inputs: all of that part, or its first test_size."""

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
        return cls(train, dev, test, pairs, _dev_pairs(config, dev), test, test.examples[: config.test_size])


def _dev_pairs(config: Config, dev: Corpus) -> tuple[Pair, ...]:
    size = min(config.train.eval_examples, dev.pairs)
    return select_pairs(dev, size, 1.0, DEV_SEED) if size else ()
