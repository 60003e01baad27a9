"""Subject-property-object triples and their linearisations, shared by WebNLG and DART."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from prefixrun.console import count
from prefixrun.errors import DataError

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Triple(NamedTuple):
    """One fact of an input, as the release writes it."""

    subject: str
    property: str
    object: str


def triple(parts: Sequence[str], where: str) -> Triple:
    """The triple of three parts, which stay as they are.

    Raises:
        DataError: another number of parts, or an empty one.
    """
    written = " | ".join(part[:60] for part in parts[:6])  # a message, not a copy
    if len(parts) != 3:
        raise DataError(
            f"{where}: a triple of {count(len(parts), 'part')} ({written!r}); give subject, property and object"
        )
    for name, part in zip(Triple._fields, parts, strict=True):
        if not part.strip():
            raise DataError(f"{where}: a triple without {name} ({written!r}); fill it or remove the triple")
    return Triple(*parts)


def webnlg_paper(triples: tuple[Triple, ...]) -> str:
    """`` | Aarhus_Airport : cityServed : "Aarhus, Denmark"``: blank, bar, blank before every triple, even the first.

    Underscores, camel case and quotes stay. The official code leaves the bar out in the very first test input only, by
    testing the wrong index (gpt2/run_generation.py, read_webnlg); that is not repeated here.
    """
    return "".join(f" | {triple.subject} : {triple.property} : {triple.object}" for triple in triples)


def dart_paper(triples: tuple[Triple, ...]) -> str:
    """``Mars Hill College : joined : 1973 | ...``: no leading bar, the relation in lower case, the rest as it is."""
    return " | ".join(f"{triple.subject} : {triple.property.lower()} : {triple.object}" for triple in triples)


def plain(triples: tuple[Triple, ...]) -> str:
    """``Aarhus Airport, city served: Aarhus, Denmark; ...``: words apart, no underscores, camel case or quotes."""
    return "; ".join(
        f"{_words(triple.subject)}, {_words(_CAMEL.sub(' ', triple.property)).lower()}: {_words(triple.object)}"
        for triple in triples
    )


def _words(text: str) -> str:
    unquoted = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    return " ".join(unquoted.replace("_", " ").split())
