"""Does the output say what the input says? Measures of table-to-text that need neither references nor a model.

They read the input as the paper's code writes it (``name : The Mill | food : English``, for triples ``subject :
property : object``) and look for its values in the output. They are rough: people leave things out and have words of
their own, so compare systems with each other and with the references (which lack 10 % of the slots in E2E's dev set).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from unidecode import unidecode

from prefixrun.errors import MissingPartError
from prefixrun.metrics.base import FloatArray, Metric, Prepared, References, own
from prefixrun.metrics.slot_words import FRIENDLY, NOT_FRIENDLY, WORDINGS

_SIGN = re.compile(r"([^\w\s'])")
_MARKER = re.compile(r" \[ \w+ \] ")
"""DART's [TABLECONTEXT] and [TITLE], which no text should name."""
_NAMES = ("name", "near")
_FAMILY = "family friendly"


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

    def prepare(self, references: References) -> Prepared:
        return _PreparedSlots([_slots(source) for (source,) in references])

    def aggregate(self, totals: FloatArray) -> dict[str, float]:
        slots, missing, added = (float(total) for total in totals)
        return {"SLOT_ERROR": 100 * (missing + added) / slots}

    def signature(self, name: str, references: References) -> str:
        return f"input:paper|{own('slots')}"


@dataclass(frozen=True, slots=True)
class _PreparedSlots(Prepared):
    segments: list[dict[str, str]]

    def count(self, hypotheses: Sequence[str]) -> FloatArray:
        rows = [_compare(slots, text) for slots, text in zip(self.segments, hypotheses, strict=True)]
        return np.array(rows, dtype=np.float64)


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

    def prepare(self, references: References) -> Prepared:
        return _PreparedCoverage([_entities(source) for (source,) in references])

    def aggregate(self, totals: FloatArray) -> dict[str, float]:
        entities, named = (float(total) for total in totals)
        return {"COVERAGE": 100 * named / entities if entities else 100.0}

    def signature(self, name: str, references: References) -> str:
        return f"input:paper|{own('coverage')}"


@dataclass(frozen=True, slots=True)
class _PreparedCoverage(Prepared):
    segments: list[tuple[str, ...]]

    def count(self, hypotheses: Sequence[str]) -> FloatArray:
        rows = np.zeros((len(self.segments), 2))
        for row, text, entities in zip(rows, hypotheses, self.segments, strict=True):
            said = _plain(text)
            row[:] = len(entities), sum(entity in said for entity in entities)
        return rows


def _slots(source: str) -> dict[str, str]:
    """Slot -> value of an input; raises MissingPartError, the reason of the empty cell, for another form of input."""
    parts = [part.partition(" : ") for part in source.strip(" |").split(" | ")]
    slots = {slot.strip(): value.strip() for slot, _, value in parts}
    if not all(slots.values()) or not set(slots) <= {*WORDINGS, *_NAMES, _FAMILY}:
        raise MissingPartError(f"SLOT_ERROR reads inputs in the form of the paper's code, not {source[:60]!r}")
    return slots


def _entities(source: str) -> tuple[str, ...]:
    triples = [part.split(" : ") for part in source.strip(" |").split(" | ")]
    if not all(len(triple) >= 3 for triple in triples):
        raise MissingPartError(f"COVERAGE reads inputs in the form of the paper's code, not {source[:60]!r}")
    plain = (_plain(entity.replace("_", " ")) for triple in triples for entity in (triple[0], triple[-1]))
    return tuple(dict.fromkeys(entity for entity in plain if entity.strip() and not _MARKER.fullmatch(entity)))


def _plain(text: str) -> str:
    """Lower-case ASCII words and signs with a blank between and around them; quotation marks are left out."""
    letters = unidecode(text.replace("£", "\0")).replace("\0", "£").lower().replace('"', " ").replace("n't", " n't")
    words = _SIGN.sub(r" \1 ", letters).split()
    return f" {' '.join(words)} "


def _compare(slots: dict[str, str], text: str) -> tuple[int, int, int]:
    """Numbers of slots, of slots missing or wrong, and of slots that only the text has."""
    said = _plain(text)
    missing = 0
    for slot in _NAMES:
        name = _plain(slots.get(slot, ""))
        missing += slot in slots and name not in said
        said = said.replace(name, " ") if name.strip() else said  # "Raja Indian Cuisine" says nothing about the food
    for slot, wordings in WORDINGS.items():
        if slot in slots:
            wording = wordings.get(slots[slot])
            missing += not (wording.search(said) if wording else _plain(slots[slot]) in said)
    friendly = _friendly(said)
    missing += _FAMILY in slots and friendly != slots[_FAMILY]
    added = sum(
        slot not in slots and any(wording.search(said) for wording in wordings.values())
        for slot, wordings in WORDINGS.items()
        if slot != "Type"  # any place is called a restaurant
    )
    return len(slots), missing, added + (_FAMILY not in slots and friendly is not None)


def _friendly(said: str) -> str | None:
    if NOT_FRIENDLY.search(said):
        return "no"
    return "yes" if FRIENDLY.search(said) else None
