"""The nouns of the data: an example, a pair, the file it came from, and the corpus that holds them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Example:
    """One input with all its reference texts, as the task's official scorer counts inputs."""

    id: str
    """Unique in its corpus and the same on every machine: split and position, such as ``test-00012``."""
    source: str
    """The linearised input as the model reads it."""
    references: tuple[str, ...]
    """At least one text, in the order of the file."""
    group: str = ""
    """What scores are reported apart by (WebNLG: ``seen`` or ``unseen``); empty when the task has no groups."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One (source, reference) pair: the unit of training and of subsampling."""

    id: str
    """Example id, ``#`` and the 0-based position of the reference: ``train-00003#1``."""
    example_id: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file that was read."""

    name: str
    """Name inside the task's directory, without ``.gz``; never a path of this machine."""
    sha256: str
    """Of the uncompressed bytes, so that a plain and a compressed copy agree."""
    records: int
    """Rows, entries or lines the file holds."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Records or texts of records that are left out of a file on purpose."""

    reason: str
    count: int
    positions: tuple[int, ...] = ()
    """0-based positions in the file of the records concerned, where its format should not have them."""
    whole: bool = False
    """Whether the records at the positions are left out whole: a file of outputs may have lines for them (DART)."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """One split of one task, in the order of its files."""

    task: str
    split: str
    examples: tuple[Example, ...]
    files: tuple[DataFile, ...]
    skipped: tuple[Skipped, ...] = ()
    empty_inputs: int = 0
    """Examples without an input text, which a complete copy of the release has (XSUM)."""
    version: str = ""
    """``sample``, the release the files were checked to be, or ``unverified``."""

    @property
    def pairs(self) -> int:
        """Number of (source, reference) pairs."""
        return sum(len(example.references) for example in self.examples)

    def all_pairs(self) -> tuple[Pair, ...]:
        """Every pair, example by example, references in their order."""
        return tuple(
            Pair(f"{example.id}#{position}", example.id, example.source, reference)
            for example in self.examples
            for position, reference in enumerate(example.references)
        )
