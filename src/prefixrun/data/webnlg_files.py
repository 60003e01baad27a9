"""The forms in which WebNLG is passed on: a directory of XML files, a tar archive of it, and, for 2017, JSON."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

import defusedxml.ElementTree as SafeTree
from defusedxml import DefusedXmlException

from prefixrun.data import shape
from prefixrun.data.archive import members
from prefixrun.data.example import DataFile
from prefixrun.data.text_io import read_bytes, read_text
from prefixrun.data.triples import Triple, triple
from prefixrun.errors import DataError

# Of the test directory only this file counts: one of the others has no texts, the other repeats the unseen part.
TEST_FILE = "test/testdata_with_lex.xml"

ADDED_2020 = ("Company", "Film", "MusicalWork", "Scientist")
"""Categories that no release before that of 2020 has; the last three are of its test part only."""
NO_SHAPE = "NA"
"""What the JSON form of a release has that does not say the shape of the triples."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the release."""

    where: str
    """``file:line`` for messages."""
    category: str
    key: tuple[str, str]
    """Its id and size: with the category unique in a split. The id is empty where the file has none."""
    triples: tuple[Triple, ...]
    """The modified triple set."""
    texts: tuple[tuple[str, str], ...]
    """(comment, text) of each lexicalisation; the comment is ``good`` or ``toFix``."""
    release: str = "2017"
    """The release that the attributes are of: ``2017``, ``2`` (versions 2 and 2.1) or ``2020`` (version 3)."""
    languages: tuple[str, ...] = ()
    """The language of each text, empty where the release does not say it."""


def locate(directory: Path, trees: tuple[str, ...], split: str) -> Path | None:
    """The first tree in ``directory`` that has the split, or else the archive of the first tree; None where there is
    neither. An empty name is the directory itself."""
    for tree in trees:
        if (directory / tree / split).is_dir():
            return directory / tree
    name = trees[0].partition("/")[0]
    return next((path for path in (directory / f"{name}.tar.gz", directory / f"{name}.tar") if path.is_file()), None)


def read_tree(path: Path, split: str, test_file: str = TEST_FILE, language: str = "") -> tuple[list[Entry], DataFile]:
    """The entries of a split, files in the order of their paths, which is the order of the published JSON form.

    Args:
        path: directory that holds ``train``, ``dev`` and ``test``, or a tar archive of it, read in place.
        split: one of the three.
        test_file: the file of the test part; others of its directory do not count.
        language: where an archive has a directory of this name, its other directories do not count.

    Raises:
        DataError: no file of the split, unreadable archive, malformed or unsafe XML.
    """
    belongs = partial(_belongs, split=split, test_file=test_file)
    files = sorted(_directory_files(path, belongs) if path.is_dir() else _archive_files(path, belongs, language))
    if not files:
        raise DataError(f"{path}: no XML file of the {split} split in it; copy the whole release")
    digest = hashlib.sha256()
    entries: list[Entry] = []
    for name, data in files:
        digest.update(f"{name} {hashlib.sha256(data).hexdigest()}\n".encode())
        entries.extend(_xml_entries(data, f"{path}/{name}"))
    return entries, DataFile(f"{split}/*.xml", digest.hexdigest(), len(entries))


def _belongs(name: str, split: str, test_file: str) -> bool:
    """Whether a path that starts with the split's directory is one of its files."""
    if PurePosixPath(name).name.startswith(".") or not name.endswith(".xml"):
        return False
    return name == test_file if split == "test" else name.startswith(f"{split}/")


def _directory_files(path: Path, belongs: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    for file in path.rglob("*.xml"):
        name = file.relative_to(path).as_posix()
        if belongs(name):
            yield name, read_bytes(file)


def _archive_files(path: Path, belongs: Callable[[str], bool], language: str) -> Iterator[tuple[str, bytes]]:
    found = list(members(path, lambda name: belongs(_inside(name))))
    in_language = [(name, data) for name, data in found if language in PurePosixPath(name).parts]
    for name, data in in_language or found:
        yield _inside(name), data


def _inside(name: str) -> str:
    """A member's path from the split's directory on."""
    return re.sub(r"^(.*?/)??(?=(train|dev|test)/)", "", name, count=1)


class _Lines(TreeBuilder):
    """Builds the tree and records the line of each entry, which the tree lacks."""

    def __init__(self) -> None:
        super().__init__()
        self.parser = SafeTree.XMLParser(target=self, forbid_dtd=True)
        self.entries: list[tuple[int, Element]] = []

    @property
    def line(self) -> int:
        """The line that the parser has reached."""
        line: int = self.parser.parser.CurrentLineNumber
        return line

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        element = super().start(tag, attrs)
        if tag == "entry":
            self.entries.append((self.line, element))
        return element


def _xml_entries(data: bytes, where: str) -> Iterator[Entry]:
    tree = _Lines()
    try:
        tree.parser.feed(data)
        tree.parser.close()
    except ParseError as error:
        raise DataError(f"{where}:{error.position[0]}: malformed XML ({error}); copy the file again") from error
    except DefusedXmlException as error:
        raise DataError(
            f"{where}:{tree.line}: declares {type(error).__name__.removesuffix('Forbidden')}, which a corpus file "
            "never does and which can be used to attack a reader; refused: take the file from the release"
        ) from error
    except (LookupError, ValueError) as error:
        raise DataError(f"{where}: XML in an unusable encoding ({error}); convert it to UTF-8") from error
    for line, element in tree.entries:
        yield _xml_entry(element, f"{where}:{line}")


def _xml_entry(element: Element, where: str) -> Entry:
    if len(element.findall("modifiedtripleset")) > 1:
        raise DataError(f"{where}: more than one modifiedtripleset; an entry has one: remove the others")
    facts = [_plain_text(part, where) for part in element.iterfind("modifiedtripleset/mtriple")]
    texts = tuple((lex.get("comment", ""), _plain_text(lex, where)) for lex in element.iterfind("lex"))
    languages = tuple(lex.get("lang", "") for lex in element.iterfind("lex"))
    return Entry(
        where,
        element.get("category", ""),
        (element.get("eid", ""), element.get("size", "")),
        tuple(triple([part.strip() for part in f" {fact} ".split(" | ")], where) for fact in facts),
        texts,
        _release(element.get("shape", NO_SHAPE), element.get("category", ""), languages),
        languages,
    )


def _release(shape_of_triples: str, category: str, languages: tuple[str, ...]) -> str:
    """Versions 2 and 3 name the shape of the triples; version 3 has a new category and, in part, languages."""
    return "2020" if category in ADDED_2020 or any(languages) else "2" if shape_of_triples != NO_SHAPE else "2017"


def _plain_text(element: Element, where: str) -> str:
    """The text of an element; raises DataError for markup inside it, whose text would be lost."""
    if len(element):
        raise DataError(
            f"{where}: markup <{element[0].tag}> inside <{element.tag}>; remove it, or write < as &lt; if it is text"
        )
    return element.text or ""


def read_json(path: Path) -> tuple[list[Entry], DataFile]:
    """The entries of a file ``{"entries": [{"1": {...}}, ...]}``.

    Raises:
        DataError: not JSON, or of another shape.
    """
    file = read_text(path)
    listed = shape.member(shape.mapping(shape.parse(file.text, str(path)), str(path)), "entries", str(path))
    entries = [
        _json_entry(wrapper, f"{path}: entry {number}")
        for number, wrapper in enumerate(shape.items(listed, f"{path}: entries"), start=1)
    ]
    return entries, DataFile(file.name, file.sha256, len(entries))


def _json_entry(wrapper: object, where: str) -> Entry:
    inner = list(shape.mapping(wrapper, where).values())
    if len(inner) != 1:
        raise DataError(f"{where}: one numbered object is expected, not {len(inner)}; the file has another format")
    entry = shape.mapping(inner[0], where)

    def strings(name: str, keys: tuple[str, ...]) -> Iterator[list[str]]:
        for item in shape.items(shape.member(entry, name, where), f"{where}, {name}"):
            record = shape.mapping(item, f"{where}, {name}")
            yield [shape.text(shape.member(record, key, f"{where}, {name}"), f"{where}, {key}") for key in keys]

    texts = tuple((comment, text) for comment, text in strings("lexicalisations", ("comment", "lex")))
    languages = tuple(
        str(shape.mapping(text, where).get("lang", "")) for text in shape.items(entry["lexicalisations"], where)
    )
    identifier, size = (shape.text(entry.get(name, ""), f"{where}, {name}") for name in ("xml_id", "size"))
    return Entry(
        where,
        shape.text(shape.member(entry, "category", where), f"{where}, category"),
        (identifier, size),
        tuple(triple(values, where) for values in strings("modifiedtripleset", Triple._fields)),
        texts,
        _release(str(entry.get("shape", NO_SHAPE)), str(entry["category"]), languages),
        languages,
    )
