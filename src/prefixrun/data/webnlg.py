"""WebNLG challenge 2017: inputs are modified triple sets, texts those marked ``good``, groups ``seen`` and ``unseen``.

The paper's code drops the texts marked ``toFix`` (77 in train, 10 in dev, none in test), which leaves 18,025 training
pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from prefixrun.data import webnlg_2020
from prefixrun.data.example import Corpus, DataFile, Example, Skipped
from prefixrun.data.text_io import find_file, one_line
from prefixrun.data.triples import Triple, plain, webnlg_paper
from prefixrun.data.webnlg_checks import check_entry, check_release, check_unique, other_release
from prefixrun.data.webnlg_files import Entry, locate, read_json, read_tree
from prefixrun.errors import DataError

# The ten categories of the training files (the paper counts nine) and the five that occur in the test file only.
SEEN = (
    *("Airport", "Astronaut", "Building", "City", "ComicsCharacter"),
    *("Food", "Monument", "SportsTeam", "University", "WrittenWork"),
)
UNSEEN = ("Artist", "Athlete", "CelestialBody", "MeanOfTransportation", "Politician")
FORMS: Mapping[str, Callable[[tuple[Triple, ...]], str]] = {"paper": webnlg_paper, "plain": plain}
TREE = "webnlg_challenge_2017"


def load(directory: Path, split: str, linearisation: str) -> Corpus:
    """One split, one example per entry in the official order.

    The first of these is read: the directory ``webnlg_challenge_2017`` (or its contents in ``directory``), the archive
    ``webnlg_challenge_2017.tar.gz``, and ``<split>.json``, in ``directory`` or in ``json/``.

    Raises:
        DataError: anything missing or malformed, an unknown category, an empty text, an entry without triples or a
            repeated entry.
    """
    entries, file = _read(directory, split)
    check_release(entries, "2017")
    examples: list[Example] = []
    skipped: Counter[str] = Counter()
    seen: dict[tuple[str, str, str], str] = {}
    for entry in entries:
        check_entry(entry, "2017", SEEN + UNSEEN)
        check_unique(entry, seen)
        good = tuple(one_line(text) for comment, text in entry.texts if comment == "good")
        skipped["texts marked toFix"] += len(entry.texts) - len(good)
        if not good:
            skipped["entries without a text marked good"] += 1
            continue
        group = "seen" if entry.category in SEEN else "unseen"
        examples.append(Example(f"{split}-{len(examples):05d}", FORMS[linearisation](entry.triples), good, group))
    if not examples:
        raise DataError(f"{directory}: the {split} split has no entry with a good text; copy the release again")
    left_out = tuple(Skipped(reason, count) for reason, count in skipped.items() if count)
    return Corpus("webnlg", split, tuple(examples), (file,), left_out)


def names_of_release(directory: Path) -> tuple[str, ...]:
    """Every subject and object of the triples of all three parts, as the release writes them, once each.

    Raises DataError as `load`.
    """
    entries = (entry for split in ("train", "dev", "test") for entry in _read(directory, split)[0])
    triples = (triple for entry in entries for triple in entry.triples)
    return tuple(dict.fromkeys(name for triple in triples for name in (triple.subject, triple.object)))


def _read(directory: Path, split: str) -> tuple[list[Entry], DataFile]:
    if (release := locate(directory, (TREE, ""), split)) is not None:
        if split == "test" and (release / webnlg_2020.TEST_FILE).is_file():
            raise other_release(str(release), "2020", wanted="2017")
        return read_tree(release, split)
    if (later := locate(directory, webnlg_2020.TREES, split)) is not None:
        raise other_release(str(later), "2020", wanted="2017")
    nested = directory / "json"
    return read_json(find_file(nested if nested.is_dir() else directory, f"{split}.json"))
