"""The English part of WebNLG 2020 (version 3.0; Castro Ferreira et al. 2020, 2020.webnlg-1.7), for text generation.

A task of its own, which the paper does not have: its training part holds the categories that are unseen in 2017, and
its texts were corrected. Every text counts, whatever its mark, as in the numbers of the challenge. Test inputs are of
three groups: ``seen``, ``unseen_entities`` and ``unseen_categories``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from prefixrun.data import shape
from prefixrun.data.archive import members
from prefixrun.data.example import Corpus, Example
from prefixrun.data.text_io import decode, one_line, read_text
from prefixrun.data.triples import plain, webnlg_paper
from prefixrun.data.webnlg_checks import check_entry, check_release, check_unique, other_release
from prefixrun.data.webnlg_files import ADDED_2020, Entry, locate, read_tree
from prefixrun.data.webnlg_files import TEST_FILE as TEST_FILE_2017
from prefixrun.errors import DataError, shortened

TREES = ("release_v3.0/en", "en", "")
TEST_FILE = "test/rdf-to-text-generation-test-data-with-refs-en.xml"
TYPES_FILE = "test/rdf-to-text-generation-test-instance-types.json"
GROUPS: Mapping[str, str] = {"type1": "seen", "type2": "unseen_entities", "type3": "unseen_categories"}
"""Of a test input, by its type in the release's file."""
CATEGORIES = (
    *("Airport", "Artist", "Astronaut", "Athlete", "Building", "CelestialBody", "City", "ComicsCharacter"),
    *("Food", "MeanOfTransportation", "Monument", "Politician", "SportsTeam", "University", "WrittenWork"),
    *ADDED_2020,
)


def load(directory: Path, split: str, linearisation: str) -> Corpus:
    """One split, one example per entry, files in the order of their paths.

    The first of these is read: ``release_v3.0/en/``, ``en/``, the directory itself, and ``release_v3.0.tar.gz`` or
    ``.tar``.

    Raises:
        DataError: anything missing or malformed, the release of 2017, the Russian part, an unknown category, an empty
            text, an entry without triples or a repeated entry.
    """
    release = locate(directory, TREES, split)
    if release is None:
        if (earlier := locate(directory, ("webnlg_challenge_2017",), split)) is not None:
            raise other_release(str(earlier), "2017", wanted="2020")
        raise DataError(
            f"{directory}: holds no release_v3.0/en/ with {split}/ and no release_v3.0.tar.gz; "
            "`prefixrun data download task=webnlg_2020 data_dir=DIR` fetches it"
        )
    if split == "test" and (release / TEST_FILE_2017).is_file():
        raise other_release(str(release), "2017", wanted="2020")
    entries, file = read_tree(release, split, TEST_FILE, language="en")
    check_release(entries, "2020")
    examples = _examples(entries, split, linearisation, _types(release) if split == "test" else {})
    return Corpus("webnlg_2020", split, examples, (file,))


def _examples(entries: list[Entry], split: str, linearisation: str, types: Mapping[str, str]) -> tuple[Example, ...]:
    form = webnlg_paper if linearisation == "paper" else plain
    examples: list[Example] = []
    seen: dict[tuple[str, str, str], str] = {}
    for entry in entries:
        check_entry(entry, "2020", CATEGORIES, ("good", "toFix", ""))
        check_unique(entry, seen)
        if foreign := set(entry.languages) - {"", "en"}:
            raise DataError(
                f"{entry.where}: a text of language {shortened(min(foreign))!r}; task=webnlg_2020 is the English part: "
                "copy release_v3.0/en"
            )
        texts = tuple(one_line(text) for _, text in entry.texts)
        group = _group(entry, types) if split == "test" else "seen"
        examples.append(Example(f"{split}-{len(examples):05d}", form(entry.triples), texts, group))
    return tuple(examples)


def _group(entry: Entry, types: Mapping[str, str]) -> str:
    identifier = entry.key[0]
    if identifier not in types:
        raise DataError(
            f"{entry.where}: {Path(TYPES_FILE).name} has no type of {shortened(identifier)!r}; copy both again"
        )
    return types[identifier]


def _types(release: Path) -> dict[str, str]:
    """Id of a test entry -> its group."""
    where = f"{release}/{TYPES_FILE}"
    if release.is_dir():
        if not (release / TYPES_FILE).is_file():
            raise DataError(f"{where}: is not there; it says which inputs are seen: copy the whole test directory")
        text = read_text(release / TYPES_FILE).text
    else:
        named = dict(members(release, lambda name: name.endswith(TYPES_FILE)))
        if not named:
            raise DataError(f"{where}: is not in the archive; copy the release again")
        text = decode(next(iter(named.values())), where)
    listed = shape.mapping(shape.parse(text, where), where)
    for identifier, kind in listed.items():
        if kind not in GROUPS:
            raise DataError(
                f"{where}: {shortened(identifier)} has type {shortened(str(kind))!r}; there are {', '.join(GROUPS)}"
            )
    return {identifier: GROUPS[str(kind)] for identifier, kind in listed.items()}
