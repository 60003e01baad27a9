"""How much of a part of a corpus another part contains: test inputs in training data, corpora that include others.

Letter case, punctuation, underscores and the order of facts do not count, so that WebNLG's ``cityServed`` equals DART's
``CITY_SERVED``. DART writes E2E's attributes as triples, another form of input: there only the texts show an overlap.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from prefixrun.data.example import Corpus

_NOT_LETTERS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Contents:
    """The distinct inputs and texts of a part of a corpus, as digests (articles are long)."""

    name: str
    """Task and split, as in ``dart/test``."""
    inputs: frozenset[bytes]
    texts: frozenset[bytes]

    @classmethod
    def of(cls, corpus: Corpus) -> Contents:
        """The contents of a corpus whose inputs are in the paper's linearisation."""
        inputs = {_input(example.source) for example in corpus.examples}
        texts = {_digest(_letters(text)) for example in corpus.examples for text in example.references}
        return cls(f"{corpus.task}/{corpus.split}", frozenset(inputs), frozenset(texts))


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many of the distinct inputs and texts of ``part`` are in ``whole`` too."""

    part: str
    whole: str
    inputs: int
    shared_inputs: int
    texts: int
    shared_texts: int

    @property
    def any_shared(self) -> bool:
        """Whether the parts share any input or text."""
        return bool(self.shared_inputs or self.shared_texts)


def overlap(part: Contents, whole: Contents) -> Overlap:
    """How much of ``part`` is in ``whole``."""
    return Overlap(
        part.name,
        whole.name,
        len(part.inputs),
        len(part.inputs & whole.inputs),
        len(part.texts),
        len(part.texts & whole.texts),
    )


def report(parts: list[Corpus]) -> list[Overlap]:
    """Every test part against every training part, and the training parts against those of other corpora."""
    contents = [Contents.of(part) for part in parts]
    training = [part for part in contents if part.name.endswith("/train")]
    tested = [part for part in contents if not part.name.endswith(("/train", "/dev"))]
    pairs = [(part, whole) for part in (*tested, *training) for whole in training if part.name != whole.name]
    return [overlap(part, whole) for part, whole in pairs]


def _input(source: str) -> bytes:
    facts = {_letters(fact) for fact in source.split(" | ")} - {""}
    return _digest("|".join(sorted(facts)))


def _letters(text: str) -> str:
    return _NOT_LETTERS.sub("", text.lower())


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()
