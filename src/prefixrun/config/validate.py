"""From a plain mapping to a frozen :class:`~prefixrun.config.schema.Config`, or one error that names every problem."""

import difflib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from prefixrun.config.constraints import contradictions
from prefixrun.config.field_types import LayerChoice, OneOf, Pattern, Range, TextList
from prefixrun.config.schema import Config
from prefixrun.config.setting_roles import RETIRED
from prefixrun.errors import ConfigError, shortened

NAMES_CODE, NO_CODE = "_target_", "a configuration cannot name code to run"
"""The key by which Hydra's files name a class to build, and why there is none here."""

LARGEST_SHOWN = 10**30

UNSET = "???"
"""What Hydra calls a value that nothing has set."""

Bounds = Range | Pattern | OneOf | TextList | LayerChoice | None
"""What a type may say of its values beside their kind."""


def build(raw: Mapping[str, Any]) -> Config:
    """The configuration as the program uses it.

    Raises ConfigError with all problems at once: unknown and missing keys, wrong types, numbers out of range,
    interpolations, ``_target_``, and settings that contradict each other.
    """
    problems: list[str] = []
    config = read(raw, problems)
    if config is None:
        raise refusal(problems)
    return config


def build_section(section: str, raw: Mapping[str, Any]) -> Any:
    """One section of the configuration, such as "task", from its keys and values. Raises ConfigError."""
    problems: list[str] = []
    cls = cast(type, known_keys()[section])
    values = dict(_read(cls, raw, f"{section}.", problems))
    if problems:
        raise refusal(problems)
    return _assemble(cls, values, f"{section}.")


def read(raw: Mapping[str, Any], problems: list[str]) -> Config | None:
    """Like :func:`build`, but adds what is wrong to ``problems`` and then returns None."""
    new_problems: list[str] = []
    values = dict(_read(Config, raw, "", new_problems))
    new_problems += contradictions(values)
    problems += new_problems
    return None if new_problems else cast(Config, _assemble(Config, values, ""))


def refusal(problems: list[str]) -> ConfigError:
    """One error for all problems of a configuration, none of them twice."""
    distinct = list(dict.fromkeys(problems))
    if len(distinct) == 1:
        return ConfigError(distinct[0])
    lines = "\n".join(f"  - {problem}" for problem in distinct)
    return ConfigError(f"{len(distinct)} problems in the configuration:\n{lines}")


@cache
def _hints(cls: type) -> dict[str, Any]:
    """Name -> type of each field, with its bounds. Working them out takes longer than all the rest of a configuration,
    and a sweep has hundreds."""
    return get_type_hints(cls, include_extras=True)


def defaults(cls: type = Config) -> dict[str, Any]:
    """Every key with the default of its dataclass, as nested mappings; ``???`` where a choice in conf/ sets it."""
    hints = _hints(cls)
    tree: dict[str, Any] = {}
    for field in fields(cls):
        if is_dataclass(hints[field.name]):
            tree[field.name] = defaults(hints[field.name])
        else:
            tree[field.name] = UNSET if field.default is MISSING else field.default
    return tree


@cache
def known_keys() -> dict[str, Any]:
    """Dotted name of every key -> its type, with the bounds that come with it; sections -> their dataclass."""
    return dict(_keys(Config, ""))


def is_number(key: str) -> bool:
    """Whether a dotted key takes a number."""
    return _parts(known_keys().get(key))[0] in (int, float)


def is_whole_number(key: str) -> bool:
    """Whether a dotted key takes a whole number."""
    return _parts(known_keys().get(key))[0] is int


def _keys(cls: type, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, hint in _hints(cls).items():
        yield prefix + name, hint
        if is_dataclass(hint):
            yield from _keys(cast(type, hint), f"{prefix}{name}.")


def unknown_key(key: str, others: tuple[str, ...] = ()) -> str:
    """The sentence about a key that does not exist, with the one that was probably meant."""
    if key in RETIRED:
        return RETIRED[key]
    leaves = (name for name, hint in known_keys().items() if not is_dataclass(hint))
    close = closest(key, (*leaves, *others))
    return f"there is no key {shortened(key)}" + (
        f"; did you mean {close}?" if close else "; `prefixrun --help` lists all keys"
    )


def closest(word: str, candidates: tuple[str, ...]) -> str | None:
    """The candidate most like ``word``: the same last part (``lr`` -> ``train.lr``), else the nearest spelling."""
    last = word.rpartition(".")[2]
    by_last: dict[str, str] = {}
    for candidate in candidates:
        by_last.setdefault(candidate.rpartition(".")[2], candidate)
    if last in by_last:
        return by_last[last]
    nearest = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    if nearest:
        return nearest[0]
    nearest = difflib.get_close_matches(last, by_last, n=1, cutoff=0.6)
    return by_last[nearest[0]] if nearest else None


def expectation(hint: Any) -> str:
    """In words, what a key of this type takes."""
    kind, bounds, optional = _parts(hint)
    if isinstance(bounds, LayerChoice):
        text = bounds.meaning
    elif choices := _choices(kind, bounds):
        text = " or ".join(choices) if len(choices) < 3 else "one of " + ", ".join(choices)
    else:
        text = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}[kind]
    if isinstance(bounds, Range):
        text += f" {bounds}"
    elif isinstance(bounds, Pattern):
        text += f" of {bounds.meaning}"
    elif isinstance(bounds, TextList):
        text += f", or a list of {bounds.meaning}"
    return text + (", or null" if optional else "")


def _choices(kind: Any, bounds: Bounds) -> tuple[str, ...]:
    """The texts that a key of this type takes, where they are a list."""
    if isinstance(bounds, OneOf):
        return bounds.choices()
    return get_args(kind) if get_origin(kind) is Literal else ()


def _parts(hint: Any) -> tuple[Any, Bounds, bool]:
    """Bare type, bounds and whether null is allowed."""
    optional = False
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (arg for arg in get_args(hint) if arg is not NoneType)
        optional = True
    if get_origin(hint) is Annotated:
        kind, bounds = get_args(hint)
        return kind, bounds, optional
    return hint, None, optional


def _read(cls: type, raw: Mapping[str, Any], prefix: str, problems: list[str]) -> Iterator[tuple[str, Any]]:
    """Dotted key -> checked value, for every value that is right; what is wrong goes to ``problems``."""
    hints = _hints(cls)
    for name in raw:
        if name == NAMES_CODE:
            problems.append(f"{prefix}{name}: {NO_CODE}")
        elif name not in hints:
            problems.append(f"{prefix}{name}: {unknown_key(prefix + str(name))}")
    for name, hint in hints.items():
        key = prefix + name
        value = raw.get(name, UNSET)
        if is_dataclass(hint):
            section = value if isinstance(value, Mapping) else {}
            if section is not value:
                problems.append(
                    f"{key}: is a section; set its keys, as in {next(_keys(cast(type, hint), key + '.'))[0]}="
                )
            yield from _read(cast(type, hint), section, key + ".", problems)
            continue
        try:
            yield key, _convert(value, hint)
        except ValueError as error:
            problems.append(f"{key}: {error}" if value == UNSET else f"{key}={shown(value)}: {error}")


def shown(value: Any) -> str:
    """A value as it would be typed, shortened."""
    if value is None:
        return "null"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_SHOWN:
        return f"{'-' if value < 0 else ''}a number of more than 30 digits"  # its text may be longer than Python writes
    return str(value).lower() if isinstance(value, bool) else shortened(value)


def _convert(value: Any, hint: Any) -> Any:
    """``value`` as the hint's type; ValueError says what was expected."""
    kind, bounds, optional = _parts(hint)
    if isinstance(value, str) and value == UNSET:
        raise ValueError(f"is not set; give {expectation(hint)}")
    if isinstance(value, str) and "${" in value:
        raise ValueError("interpolations are not allowed in values; write the value itself")
    if value is None and optional:
        return None
    if isinstance(bounds, LayerChoice):
        if (layers := bounds.value(value)) is None:
            raise ValueError(f"must be {expectation(hint)}")
        return layers
    choices = _choices(kind, bounds)
    if isinstance(value, bool) and kind is not bool:
        if {"on", "off"} <= set(choices):  # as YAML reads them
            value = "on" if value else "off"
        elif choices or kind is str:
            raise ValueError(
                f"must be {expectation(hint)}; YAML reads on, off, yes and no as true or false: put the text in quotes"
            )
    if isinstance(bounds, TextList) and isinstance(value, list) and all(isinstance(text, str) for text in value):
        value = ",".join(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_SHOWN:
        value = float(value)
    if kind is str and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # a directory or a text that is all digits
    if choices:
        if value not in choices:
            raise ValueError(f"must be {expectation(hint)}")
    elif type(value) is not kind:
        raise ValueError(f"must be {expectation(hint)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"must be {expectation(hint)}")
    if isinstance(value, str) and not value.strip():
        raise ValueError(f"must not be empty; give {expectation(hint)}")
    if isinstance(bounds, Range):
        if not bounds.contains(value):
            raise ValueError(f"must be {expectation(hint)}")
        if bounds.exceeds(value):
            raise ValueError(f"is too large; give {expectation(hint)} and at most {bounds.limit:.10g}")
    if isinstance(bounds, Pattern) and not re.fullmatch(bounds.expression, value):
        raise ValueError(f"must be {expectation(hint)}")
    return value


def _assemble(cls: type, values: Mapping[str, Any], prefix: str) -> Any:
    parts = {
        name: _assemble(cast(type, hint), values, f"{prefix}{name}.") if is_dataclass(hint) else values[prefix + name]
        for name, hint in _hints(cls).items()
    }
    return cls(**parts)
