"""What is wrong with single overrides of a command: ``key=value`` and ``group=choice`` in Hydra's grammar."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from itertools import islice
from typing import Any, cast

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, RangeSweep

from prefixrun.config.hydra_settings import wrong_hydra_override
from prefixrun.config.validate import NAMES_CODE, NO_CODE, closest, is_number, known_keys, shown, unknown_key
from prefixrun.errors import ConfigError, has_lone_surrogate, reading, shortened

LONGEST = 50_000
"""Characters of one argument. A longer text than that fits no model's context, and takes Hydra seconds to read."""
DEEPEST = 20
"""Brackets within brackets; there is no key for more than two."""
MOST_POINTS = 100_000
"""Runs of one sweep: more would take minutes to compose, and years to run."""


_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""", re.DOTALL)


def valid_overrides(
    overrides: Sequence[str], multirun: bool, choices: Mapping[str, Sequence[str]], problems: list[str]
) -> list[Override]:
    """The overrides that are right by themselves; the others' problems are added to ``problems``."""
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    good = []
    for text in overrides:
        if problem := _unfit(text):
            problems.append(f"{shortened(text)}: {problem}")
            continue
        try:
            # The functions of Hydra's grammar raise whatever Python does: int(x), range(0,1,0).
            with reading(text, "", ConfigError):
                (override,) = parser.parse_overrides([text])
                wrong = [*_wrong_key(override, multirun, choices)] or [*_wrong_value(override, multirun, choices)]
        except ConfigError as error:
            problems.append(_unreadable(text, error.__cause__))
            continue
        problems += [f"{shortened(text)}: {problem}" for problem in wrong]
        if not wrong:
            good.append(override)
    return good


def _unfit(text: str) -> str | None:
    """What is wrong with an argument before its grammar is looked at."""
    if has_lone_surrogate(text):
        return "has bytes in it that are not UTF-8; give text in UTF-8, and rename files and directories to such names"
    if "\0" in text:
        return "has a zero byte in it, which no text and no path may have"
    if len(text) > LONGEST:
        return f"is an argument of {len(text):,} characters; at most {LONGEST:,} are taken"
    depth = deepest = 0
    for sign in _QUOTED.sub("", text):
        depth += (sign in "([{") - (sign in ")]}")
        deepest = max(deepest, depth)
    return f"has {deepest} brackets within each other; put a text in quotes" if deepest > DEEPEST else None


def _unreadable(text: str, error: BaseException | None) -> str:
    key, equals, value = text.partition("=")
    if not equals:
        return f"{shortened(text)}: is not key=value"
    if value.startswith("~"):
        return f"{shortened(text)}: ~ is not replaced here; write the directory in full"
    if isinstance(error, ValueError) and not re.search(r"[^\d+-]", value):
        return f"{shortened(text)}: is too large a number"
    if re.fullmatch(r"[\w.+-]*(,[\w.+-]*)+", value) and "" in value.split(","):
        return f"{shortened(text)}: has nothing between two commas, or at an end; leave the comma out"
    return f"{shortened(text)}: the value cannot be read; put it in quotes: {shortened(_in_quotes(key, value))}"


def _in_quotes(key: str, value: str) -> str:
    """How to type a text so that both the shell and Hydra take it as it is."""
    escaped = value.strip("\"'").replace("'", "\\'")
    return f"\"{key}='{escaped}'\""


def _wrong_key(override: Override, multirun: bool, choices: Mapping[str, Sequence[str]]) -> Iterator[str]:
    key = override.key_or_group
    if NAMES_CODE in key.split("."):
        yield NO_CODE
    elif override.is_hydra_override():
        if problem := wrong_hydra_override(override, multirun):
            yield problem
    elif override.is_delete():
        yield "keys cannot be removed; give the value that is wanted"
    elif key not in choices and key not in known_keys():
        yield unknown_key(key, tuple(choices))
    elif override.package is not None:
        yield f"write it without @{override.package}"
    elif override.is_add() or override.is_force_add():
        yield f"{key} exists; write it without +"


def _wrong_value(override: Override, multirun: bool, choices: Mapping[str, Sequence[str]]) -> Iterator[str]:
    key, value = override.key_or_group, override.value()
    if override.is_sweep_override():
        yield from _wrong_sweep(override, multirun)
    if "${" in cast(str, override.input_line):
        yield "interpolations are not allowed in values; write the value itself"
    elif key in choices:
        for choice in _texts(override):
            if choice not in choices[key]:
                close = closest(choice, tuple(choices[key]))
                hint = f"; did you mean {close}?" if close else ""
                yield f"{shortened(choice)} is no choice of {key}; there are {', '.join(choices[key])}{hint}"
    elif is_dataclass(known_keys().get(key)) and not isinstance(value, dict):
        yield f"{key} is a section; give one of its keys, as in {key}.KEY=VALUE"
    elif not override.is_hydra_override():
        yield from _wrong_section(key, value)
        if is_number(key) or isinstance(value, dict):
            yield from _wrong_digits(cast(str, override.input_line))


def _wrong_digits(text: str) -> Iterator[str]:
    """Hydra takes 1_0 for 10."""
    if digits := re.search(r"(?<!\w)\d+_[\d_]+", text.partition("=")[2]):
        yield f"write the number {shortened(digits[0])} without _"


def _wrong_sweep(override: Override, multirun: bool) -> Iterator[str]:
    if not override.is_discrete_sweep():
        yield "an interval is no list of values; write the values, as in key=1,2,3"
    elif not multirun:
        quoted = _in_quotes(override.key_or_group, "TEXT")
        yield f"is several values: add -m to run each, or quote a text with commas: {quoted}"
    elif (count := _count(override)) > MOST_POINTS:
        yield f"is more than {MOST_POINTS:,} values; give fewer"
    elif not count:
        yield "there is no such value"


def _count(override: Override) -> int:
    """How many values a sweep has; it is not written out when they are too many."""
    value = override.value()
    if isinstance(value, RangeSweep):
        assert value.start is not None
        assert value.stop is not None
        return max(0, math.ceil((value.stop - value.start) / value.step))
    return len(list(islice(override.sweep_string_iterator(), MOST_POINTS + 1)))


def _wrong_section(key: str, value: Any) -> Iterator[str]:
    """What is wrong with the keys of a value that is itself a mapping, as in ``train={lr: 1e-3}``."""
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        if name == NAMES_CODE:
            yield NO_CODE
        elif f"{key}.{name}" not in known_keys():
            yield unknown_key(f"{key}.{name}")
        else:
            yield from _wrong_section(f"{key}.{name}", inner)


def _texts(override: Override) -> list[str]:
    """The value or values of an override as texts."""
    if override.is_sweep_override():
        return [str(value) for value in override.sweep_string_iterator()] if override.is_discrete_sweep() else []
    return [shown(override.value())]


def each_value(override: Override) -> list[str]:
    """The override once for each value of its sweep."""
    if not override.is_sweep_override():
        return [cast(str, override.input_line)]
    return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]
