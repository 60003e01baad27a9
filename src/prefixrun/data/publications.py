"""Where the corpora are published, and on which terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from prefixrun.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Source:
    """One file to fetch."""

    url: str
    name: str
    """Name in the corpus' directory."""
    unpacks_to: tuple[str, ...] = ()
    """File names of the archive members that replace it; none leaves the file as it is."""

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files in the corpus' directory after the download."""
        return self.unpacks_to or (self.name,)


@dataclass(frozen=True, slots=True)
class Publication:
    """Where a corpus is published and on which terms."""

    home: str
    licence: str
    sources: tuple[Source, ...] = ()
    dataset: str = ""
    """Name on the Hugging Face hub, which is asked for the files, where these are not known in advance."""
    by_hand: str = ""
    """The files to look for where the hub cannot be asked."""


_E2E = "https://raw.githubusercontent.com/tuetschek/e2e-dataset/master"
_CLEANED = "https://raw.githubusercontent.com/tuetschek/e2e-cleaning/master/cleaned-data"
_DART = "https://raw.githubusercontent.com/Yale-LILY/dart/master/data/v1.1.1"
_WEBNLG = "https://gitlab.com/shimorina/webnlg-dataset"
_XSUM = "EdinburghNLP/xsum"
_XSUM_LICENCE = "split and code MIT; articles and summaries are the BBC's, for research"

PUBLICATIONS: Mapping[str, Publication] = {
    "e2e": Publication(
        "https://github.com/tuetschek/e2e-dataset",
        "CC BY-SA 4.0",
        tuple(Source(f"{_E2E}/{name}", name) for name in ("trainset.csv", "devset.csv", "testset_w_refs.csv")),
    ),
    "webnlg": Publication(
        _WEBNLG,
        "CC BY-NC-SA 4.0 (not for commercial use)",
        (
            Source(
                f"{_WEBNLG}/-/archive/master/webnlg-dataset-master.tar.gz?path=webnlg_challenge_2017",
                "webnlg_challenge_2017.tar.gz",
            ),
        ),
    ),
    "dart": Publication(
        "https://github.com/Yale-LILY/dart",
        "MIT",
        tuple(
            Source(f"{_DART}/{name}", name)
            for name in (f"dart-v1.1.1-full-{split}.json" for split in ("train", "dev", "test"))
        ),
    ),
    "xsum": Publication(
        f"https://huggingface.co/datasets/{_XSUM}",
        _XSUM_LICENCE,
        dataset=_XSUM,
        by_hand="train-*.parquet, validation-*.parquet and test-*.parquet",
    ),
    "e2e_cleaned": Publication(
        "https://github.com/tuetschek/e2e-cleaning",
        "not stated there; E2E, which it is made from, is CC BY-SA 4.0",
        tuple(
            Source(f"{_CLEANED}/{name}", name)
            for name in ("train-fixed.no-ol.csv", "devel-fixed.no-ol.csv", "test-fixed.csv")
        ),
    ),
    "webnlg_2020": Publication(
        _WEBNLG,
        "CC BY-NC-SA 4.0 (not for commercial use)",
        (
            Source(
                f"{_WEBNLG}/-/archive/master/webnlg-dataset-master.tar.gz?path=release_v3.0/en",
                "release_v3.0.tar.gz",
            ),
        ),
    ),
}
ALTERNATIVES: Mapping[str, Mapping[str, Publication]] = {
    # The files of the paper's code: its authors point to this archive. It has no ids, hence no sections.
    "xsum": {
        "archive": Publication(
            "https://github.com/EdinburghNLP/XSum",
            _XSUM_LICENCE,
            (
                Source(
                    "https://cdn-datasets.huggingface.co/summarization/xsum.tar.gz",
                    "xsum.tar.gz",
                    tuple(f"{split}.{side}" for split in ("train", "val", "test") for side in ("source", "target")),
                ),
            ),
        )
    }
}
"""Alternative publications of a corpus: task -> name -> publication."""


def publication(task: str, source: str | None = None) -> Publication:
    """Where a task's corpus is published: the usual publication, or the alternative called ``source``.

    Raises:
        ConfigError: a task without a publication, or without an alternative of that name.
    """
    if task not in PUBLICATIONS:
        raise ConfigError(f"task={task}: nothing to download; there are {', '.join(PUBLICATIONS)}")
    if source is None:
        return PUBLICATIONS[task]
    others = ALTERNATIVES.get(task, {})
    if source not in others:
        names = ", ".join(others)
        raise ConfigError(
            f"source={source}: {task} has no such source; "
            + (f"give source={names}, or leave the key out for {PUBLICATIONS[task].home}" if names else "leave it out")
        )
    return others[source]
