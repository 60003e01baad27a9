"""Checks of parsed JSON: a value has the type that the format requires, or DataError names the place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import count, islice

from prefixrun.errors import DataError, has_lone_surrogate, shortened

_STRING = r'"(?:[^"\\]|\\.)*"'


def parse(text: str, where: str) -> object:
    """JSON text as Python values.

    Raises:
        DataError: not JSON, a key twice in one object, or half of a surrogate pair, with the line; or nested too
            deeply, or with a number too long, to be read.
    """
    objects = count(1)

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        number, record = next(objects), dict(pairs)
        if len(record) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in record if keys.count(key) > 1)
            raise DataError(
                f"{where}:{_end_of_object(text, number)}: the key {shortened(twice)!r} stands twice in one object; "
                "keep one"
            )
        return record

    try:
        value: object = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{where}:{error.lineno}: not JSON ({error.msg}, column {error.colno}); the file is truncated or altered: "
            "copy it again"
        ) from error
    except ValueError as error:  # not a JSONDecodeError: Python refuses to convert longer integers
        raise DataError(f"{where}: JSON with a number of thousands of digits; copy the file again") from error
    except RecursionError as error:
        raise DataError(f"{where}: JSON nested too deeply to be read; copy the file again") from error
    if r"\ud" in text or r"\uD" in text:
        _refuse_half_pairs(text, where)
    return value


def _end_of_object(text: str, number: int) -> int:
    """Line on which the object closes that is the ``number``-th to be complete, which is when a parser has it."""
    closing = (match for match in re.finditer(f"{_STRING}|}}", text) if match[0] == "}")
    return text.count("\n", 0, next(islice(closing, number - 1, None)).start()) + 1


def _refuse_half_pairs(text: str, where: str) -> None:
    """JSON can escape half of a surrogate pair; no encoding can write it, and no tokenizer can read it."""
    for match in re.finditer(_STRING, text):
        if r"\u" in match[0] and has_lone_surrogate(json.loads(match[0])):
            line = text.count("\n", 0, match.start()) + 1
            raise DataError(
                f"{where}:{line}: {match[0][:40]} holds half of a surrogate pair, which is no character; "
                "write the whole character or remove it"
            )


def mapping(value: object, where: str) -> Mapping[str, object]:
    """The value as a JSON object; raises DataError for any other value."""
    if not isinstance(value, dict):
        raise DataError(f"{where}: an object is expected, not {_kind(value)}; the file has another format")
    return value


def items(value: object, where: str) -> list[object]:
    """The value as a JSON list; raises DataError for any other value."""
    if not isinstance(value, list):
        raise DataError(f"{where}: a list is expected, not {_kind(value)}; the file has another format")
    return value


def text(value: object, where: str) -> str:
    """The value as a string; raises DataError for any other value."""
    if not isinstance(value, str):
        raise DataError(f"{where}: a string is expected, not {_kind(value)}; the file has another format")
    return value


def identifier(value: object, where: str) -> str:
    """The value, a string that is not blank or a whole number, as a string; raises DataError for any other value."""
    name = text(number_as_text(value), where)
    if not name.strip():
        raise DataError(f"{where}: is empty; give every record an id, or none")
    return name


def number_as_text(value: object) -> object:
    """A whole number as its digits, and every other value as it is: names of inputs and groups may be numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def member(record: Mapping[str, object], key: str, where: str) -> object:
    """The value of a required key; raises DataError if the record lacks it."""
    if key not in record:
        raise DataError(
            f"{where}: no {key!r}, only {shortened(', '.join(sorted(record))) or 'an empty object'}; add it"
        )
    return record[key]


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a truth value", type(None): "null"}
    numbers = {int: "a number", float: "a number"}
    return {**names, **numbers}.get(type(value), f"a value of the type {type(value).__name__}")
