"""Checks of parsed JSON: a value is what the format says, or one message says where it is not."""

from __future__ import annotations

import json
from collections.abc import Mapping

from prefixrun.errors import DataError


def parse(text: str, where: str) -> object:
    """JSON text as Python values.

    Raises:
        DataError: not JSON, with the line; or nested too deeply, or with a number too long, to be a corpus.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{where}:{error.lineno}: not JSON ({error.msg}, column {error.colno}); the file is truncated or altered: "
            "copy it again"
        ) from error
    except ValueError as error:  # behind JSONDecodeError, which is one: Python converts no longer integers
        raise DataError(f"{where}: a number is too long for a corpus ({error}); copy the file again") from error
    except RecursionError as error:
        raise DataError(f"{where}: JSON nested too deeply for a corpus; copy the file again") from error


def mapping(value: object, where: str) -> Mapping[str, object]:
    """The value as a JSON object."""
    if not isinstance(value, dict):
        raise DataError(f"{where}: an object is expected, not {_kind(value)}; the file has another format")
    return value


def items(value: object, where: str) -> list[object]:
    """The value as a JSON list."""
    if not isinstance(value, list):
        raise DataError(f"{where}: a list is expected, not {_kind(value)}; the file has another format")
    return value


def text(value: object, where: str) -> str:
    """The value as a string."""
    if not isinstance(value, str):
        raise DataError(f"{where}: a string is expected, not {_kind(value)}; the file has another format")
    return value


def member(record: Mapping[str, object], key: str, where: str) -> object:
    """The value of a key that has to be there."""
    if key not in record:
        raise DataError(f"{where}: no {key!r}, only {', '.join(sorted(record)) or 'an empty object'}; add it")
    return record[key]


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")
