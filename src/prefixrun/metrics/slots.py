"""Faithfulness of table-to-text: does the output state what the input states? No references and no model are needed.

The measures read the input as the paper's code writes it (``name : The Mill | food : English``, for triples ``subject :
property : object``) and search the output for its values. They are rough: people leave facts out and word them freely,
so compare systems with each other and with the references (which lack 10 % of the slots in E2E's dev set).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from unidecode import unidecode

from prefixrun.errors import MissingPartError
from prefixrun.metrics.base import FloatArray, Metric, References, prefixrun_scorer
from prefixrun.metrics.slot_words import FRIENDLY, NOT_FRIENDLY, WORDINGS

_SIGN = re.compile(r"([^\w\s'])")
_MARKER = re.compile(r" \[ \w+ \] ")
"""DART's [TABLECONTEXT] and [TITLE], which no text should name."""
_NAMES = ("name", "near")
_FAMILY = "family friendly"

Slots = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class SlotError(Metric):
    """E2E: slots of the input that the output lacks or has wrong, plus slots that only the output has; per cent.

    Its "references" are the inputs, one for each segment.
    """

    @property
    def names(self) -> tuple[str, ...]:
        return ("SLOT_ERROR",)

    @property
    def columns(self) -> tuple[str, ...]:
        return ("slots", "missing", "added")

    def prepare(self, references: References) -> list[Slots]:
        return [_slots(source) for (source,) in references]

    def count(self, output: str, segment: Slots) -> tuple[int, int, int]:
        return _compare(segment, output)

    def aggregate(self, totals: FloatArray) -> dict[str, float]:
        slots, missing, added = (float(total) for total in totals)
        return {"SLOT_ERROR": 100 * (missing + added) / slots}

    def signature(self, name: str, references: References) -> str:
        return f"input:paper|{prefixrun_scorer('slots')}"


@dataclass(frozen=True, slots=True)
class Coverage(Metric):
    """WebNLG and DART: the share of the input's subjects and objects that the output names word for word; per cent.

    Its "references" are the inputs, one for each segment. An input with nothing to name (DART's markers alone)
    lacks nothing: 100 where there is no other.
    """

    @property
    def names(self) -> tuple[str, ...]:
        return ("COVERAGE",)

    @property
    def columns(self) -> tuple[str, ...]:
        return ("entities", "named")

    def prepare(self, references: References) -> list[tuple[str, ...]]:
        return [_entities(source) for (source,) in references]

    def count(self, output: str, segment: tuple[str, ...]) -> tuple[int, int]:
        text = plain_words(output)
        return len(segment), sum(entity in text for entity in segment)

    def aggregate(self, totals: FloatArray) -> dict[str, float]:
        entities, named = (float(total) for total in totals)
        return {"COVERAGE": 100 * named / entities if entities else 100.0}

    def signature(self, name: str, references: References) -> str:
        return f"input:paper|{prefixrun_scorer('coverage')}"


def _slots(source: str) -> Slots:
    """Slot -> its values in an input, of which only cleaned E2E has more than one.

    Raises MissingPartError, the reason of the empty cell, for another form of input.
    """
    slots: dict[str, tuple[str, ...]] = {}
    for part in source.strip(" |").split(" | "):
        slot, _, value = (text.strip() for text in part.partition(" : "))
        slots[slot] = (*slots.get(slot, ()), value)
    known = {*WORDINGS, *_NAMES, _FAMILY}
    if not all(all(values) for values in slots.values()) or not set(slots) <= known:
        raise MissingPartError(f"SLOT_ERROR reads inputs in the form of the paper's code, not {source[:60]!r}")
    return slots


def _entities(source: str) -> tuple[str, ...]:
    triples = [part.split(" : ") for part in source.strip(" |").split(" | ")]
    if not all(len(triple) >= 3 for triple in triples):
        raise MissingPartError(f"COVERAGE reads inputs in the form of the paper's code, not {source[:60]!r}")
    plain = (plain_words(entity.replace("_", " ")) for triple in triples for entity in (triple[0], triple[-1]))
    return tuple(dict.fromkeys(entity for entity in plain if entity.strip() and not _MARKER.fullmatch(entity)))


def plain_words(text: str) -> str:
    """Lower-case ASCII words and signs with a blank between and around them; quotation marks are left out."""
    letters = unidecode(text.replace("£", "\0")).replace("\0", "£").lower().replace('"', " ").replace("n't", " n't")
    words = _SIGN.sub(r" \1 ", letters).split()
    return f" {' '.join(words)} "


def _compare(slots: Slots, text: str) -> tuple[int, int, int]:
    """Numbers of slots, of slots missing or wrong, and of slots that only the text has."""
    output = plain_words(text)
    missing = 0
    # 1. names, which are then taken out: "Raja Indian Cuisine" says nothing about the food
    for name in (plain_words(value) for slot in _NAMES for value in slots.get(slot, ())):
        missing += name not in output
        output = output.replace(name, " ") if name.strip() else output
    # 2. slots with a closed set of values, by their wordings; an unknown value has to be repeated word for word
    for slot, wordings in WORDINGS.items():
        for value in slots.get(slot, ()):
            wording = wordings.get(value)
            missing += not (wording.search(output) if wording else plain_words(value) in output)
    friendly = _friendly(output)
    missing += sum(friendly != value for value in slots.get(_FAMILY, ()))
    # 3. slots of the output alone
    added = sum(
        slot not in slots and any(wording.search(output) for wording in wordings.values())
        for slot, wordings in WORDINGS.items()
        if slot != "Type"  # people call any place a restaurant
    )
    return sum(map(len, slots.values())), missing, added + (_FAMILY not in slots and friendly is not None)


def _friendly(output: str) -> str | None:
    """The value of the slot ``family friendly`` that the output states; None if it does not mention children."""
    if NOT_FRIENDLY.search(output):
        return "no"
    return "yes" if FRIENDLY.search(output) else None
