"""What settings mean for the identity of a run, read from the metadata of the schema's fields."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import Field, fields, is_dataclass
from functools import cache
from typing import Any, cast, get_type_hints

from prefixrun.config.schema import Config

RETIRED: Mapping[str, str] = {
    "joint": "joint training was removed, because it was hardly faster than one run after another; leave the key out",
}
"""Settings of earlier versions that changed no number, with what to do. Stored runs may hold them; readers leave them
out."""


@cache
def outside_identity() -> tuple[str, ...]:
    """Dotted keys of the settings that change no number of a run."""
    return (*_keys_with("identity", False), *RETIRED)


@cache
def local_paths() -> tuple[str, ...]:
    """Dotted keys of the paths on this machine, which are not stored with a result."""
    return _keys_with("place", True)


@cache
def repeats() -> tuple[str, ...]:
    """Dotted keys of the seeds, in which repetitions of one configuration differ."""
    return _keys_with("repeats", True)


def leave_out(settings: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Dotted settings without `names` and without the sections among them: `init.` stands for all keys of init."""
    sections = tuple(name for name in names if name.endswith("."))
    return {key: value for key, value in settings.items() if key not in names and not key.startswith(sections)}


def without(settings: Mapping[str, Any], keys: Collection[str], section: str = "") -> dict[str, Any]:
    """Nested settings without the dotted `keys`."""
    return {
        name: without(value, keys, f"{section}{name}.") if isinstance(value, Mapping) else value
        for name, value in settings.items()
        if section + name not in keys
    }


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key and value of everything in a nested mapping."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _keys_with(name: str, value: bool) -> tuple[str, ...]:
    return tuple(key for key, field in _fields(Config, "") if field.metadata.get(name) is value)


def _fields(cls: type, section: str) -> Iterator[tuple[str, Field[Any]]]:
    hints = get_type_hints(cls)
    for field in fields(cls):
        if is_dataclass(hints[field.name]):
            yield from _fields(cast(type, hints[field.name]), f"{section}{field.name}.")
        else:
            yield section + field.name, field
