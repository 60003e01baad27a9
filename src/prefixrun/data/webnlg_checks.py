"""What the entries of both releases of WebNLG are checked for, and which release they are of."""

from __future__ import annotations

from collections.abc import Sequence

from prefixrun.data.webnlg_files import Entry
from prefixrun.errors import DataError, shortened

_LATER = "the paper used 2017 (webnlg_challenge_2017)"


def check_release(entries: Sequence[Entry], wanted: str) -> None:
    """Raise DataError when the entries are of another release than ``wanted`` (``2017`` or ``2020``).

    One entry that only the release of 2020 can have tells it from version 2, whose other entries look the same.
    """
    releases = {entry.release for entry in entries}
    release = next((name for name in ("2020", "2", "2017") if name in releases), wanted)
    # Many entries of the release of 2020 have nothing that version 2 does not have.
    if release != wanted and not (wanted == "2020" and release == "2"):
        raise other_release(entries[0].where, release, wanted=wanted)


def other_release(where: str, release: str, *, wanted: str) -> DataError:
    """The error for files of one release where the task reads the other."""
    if wanted == "2020":
        return DataError(f"{where}: this is WebNLG 2017, not 2020 (release_v3.0); use task=webnlg")
    if release == "2020":
        return DataError(f"{where}: this is WebNLG 2020; {_LATER}: use task=webnlg_2020, or put 2017 here")
    return DataError(f"{where}: this is version 2 of WebNLG; {_LATER}, and task=webnlg_2020 reads version 3")


def check_entry(
    entry: Entry, release: str, categories: tuple[str, ...], marks: tuple[str, ...] = ("good", "toFix")
) -> None:
    """Raise DataError for an unknown category or mark of a text, for no triple, no text, or an empty one."""
    if entry.category not in categories:
        known = ", ".join(categories)
        raise DataError(f"{entry.where}: unknown category {shortened(entry.category)!r}; WebNLG {release} has {known}")
    if not entry.triples:
        raise DataError(f"{entry.where}: no triple in the modified triple set; copy the release again")
    if not entry.texts:
        raise DataError(
            f"{entry.where}: no lexicalisation; use the files with references (testdata_with_lex.xml; 2020: with-refs)"
        )
    for comment, text in entry.texts:
        if comment not in marks:
            known = " and ".join(mark or "no mark" for mark in marks)
            raise DataError(f"{entry.where}: a text is marked {shortened(comment)!r}; the release has {known}")
        if not text.strip():
            raise DataError(f"{entry.where}: a lexicalisation is empty; remove it or fill it")


def check_unique(entry: Entry, seen: dict[tuple[str, str, str], str]) -> None:
    """Raise DataError for an entry that stands twice in a split.

    Category, id and size identify it; ``seen`` maps them to its place.
    """
    identifier, size = entry.key
    name = (entry.category, identifier, size)
    if identifier and name in seen:
        raise DataError(
            f"{entry.where}: the entry {identifier} of category {entry.category} and size {size} stands at "
            f"{seen[name]} too; remove one of the two"
        )
    seen[name] = entry.where
