"""Tasks whose examples this program makes itself, the same ones on every machine; no file is read.

They ask what a prefix can learn beside a style. By the theory of Petrov, Torr and Bibi 2023 (arXiv 2310.19698) a prefix
cannot change the relative attention over the text: it can elicit a skill of the frozen model, and may not be able to
learn a task that needs new patterns of attention.

* ``sort_letters``: four to seven letters in the order of the alphabet;
* ``shift_letters``: a copy of them in which each is the letter three further on in the alphabet, behind z again a;
* ``majority``: a review of three opinions, whose answer is what most of them are, "positive" or "negative".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import count
from string import ascii_lowercase

from prefixrun.data.example import Corpus, DataFile, Example

VERSION = "generated"
"""What the record of a run calls such a corpus."""

SIZES: Mapping[str, int] = {"train": 2000, "dev": 200, "test": 400}
"""Examples of each part; no input stands in two places."""

SHIFT = 3
SUBJECTS = (
    *("soup", "bread", "coffee", "menu", "service", "music"),
    *("room", "garden", "view", "price", "dessert", "wine"),
)
PRAISE = ("excellent", "lovely", "superb", "delightful", "wonderful", "pleasant", "great", "charming")
BLAME = ("awful", "dreadful", "terrible", "poor", "unpleasant", "disappointing", "horrible", "bad")

Draws = Iterator[int]
"""Whole numbers below 2**32 that look random."""


def load(task: str, split: str) -> Corpus:
    """One part of one of TASKS."""
    parts = list(SIZES)
    start = sum(SIZES[part] for part in parts[: parts.index(split)])
    pairs = _distinct(task)[start : start + SIZES[split]]
    examples = tuple(Example(f"{split}-{i:05d}", source, (target,)) for i, (source, target) in enumerate(pairs))
    content = json.dumps(pairs).encode()
    file = DataFile(f"{task}/{split}", hashlib.sha256(content).hexdigest(), len(pairs))
    return Corpus(task, split, examples, (file,), version=VERSION)


@cache
def _distinct(task: str) -> list[tuple[str, str]]:
    """Input and target of all examples, whose inputs differ."""
    pairs: dict[str, str] = {}
    numbers = count()
    while len(pairs) < sum(SIZES.values()):
        source, target = TASKS[task](_draws(f"{task}/{next(numbers)}"))
        pairs.setdefault(source, target)
    return list(pairs.items())


def _draws(key: str) -> Draws:
    """Numbers that depend on the key alone. Not Python's generator, of which only random() is promised to stay."""
    for block in count():
        digest = hashlib.sha256(f"{key}/{block}".encode()).digest()
        yield from (int.from_bytes(digest[i : i + 4], "big") for i in range(0, len(digest), 4))


def _letters(draws: Draws) -> list[str]:
    return [ascii_lowercase[next(draws) % len(ascii_lowercase)] for _ in range(4 + next(draws) % 4)]


def _sort_letters(draws: Draws) -> tuple[str, str]:
    letters = _letters(draws)
    return " ".join(letters), " ".join(sorted(letters))


def _shift_letters(draws: Draws) -> tuple[str, str]:
    letters = _letters(draws)
    moved = (ascii_lowercase[(ascii_lowercase.index(letter) + SHIFT) % len(ascii_lowercase)] for letter in letters)
    return " ".join(letters), " ".join(moved)


def _majority(draws: Draws) -> tuple[str, str]:
    subjects = [(next(draws), subject) for subject in SUBJECTS]
    opinions = [PRAISE if next(draws) % 2 else BLAME for _ in range(3)]
    clauses = [
        f"the {subject} was {_choice(draws, opinion)}"
        for (_, subject), opinion in zip(sorted(subjects), opinions, strict=False)
    ]
    review = f"{clauses[0]}, {clauses[1]} and {clauses[2]}."
    return review[0].upper() + review[1:], "positive" if opinions.count(PRAISE) > 1 else "negative"


def _choice(draws: Draws, words: Sequence[str]) -> str:
    return words[next(draws) % len(words)]


TASKS: Mapping[str, Callable[[Draws], tuple[str, str]]] = {
    "sort_letters": _sort_letters,
    "shift_letters": _shift_letters,
    "majority": _majority,
}
"""Name → the input and the target that some numbers make."""
