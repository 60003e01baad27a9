"""What is wrong with single overrides of a command: ``key=value`` and ``group=choice`` in Hydra's grammar."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, cast

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import OverrideParseException

from prefixrun.config.validate import NAMES_CODE, NO_CODE, known_keys, shown, unknown_key

HYDRA_KEYS = ("hydra/launcher", "hydra.launcher")
"""The settings of Hydra itself that a user may change: where a sweep's runs go. Files and logs are not Hydra's here."""


def valid_overrides(
    overrides: Sequence[str], multirun: bool, choices: Mapping[str, Sequence[str]], problems: list[str]
) -> list[Override]:
    """The overrides that are right by themselves; the others' problems are added to ``problems``."""
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    good = []
    for text in overrides:
        try:
            (override,) = parser.parse_overrides([text])
        except OverrideParseException:
            problems.append(_unreadable(text))
            continue
        wrong = [*_wrong_key(override, choices)] or [*_wrong_value(override, multirun, choices)]
        problems += [f"{text}: {problem}" for problem in wrong]
        if not wrong:
            good.append(override)
    return good


def _unreadable(text: str) -> str:
    key, equals, value = text.partition("=")
    if not equals:
        return f"{text}: is not key=value"
    if value.startswith("~"):
        return f"{text}: ~ is not replaced here; write the directory in full"
    return f"{text}: the value cannot be read; put it in quotes: {_in_quotes(key, value)}"


def _in_quotes(key: str, value: str) -> str:
    """How to type a text so that both the shell and Hydra take it as it is."""
    escaped = value.strip("\"'").replace("'", "\\'")
    return f"\"{key}='{escaped}'\""


def _wrong_key(override: Override, choices: Mapping[str, Sequence[str]]) -> Iterator[str]:
    key = override.key_or_group
    if NAMES_CODE in key.split("."):
        yield NO_CODE
    elif override.is_hydra_override():
        if not key.startswith(HYDRA_KEYS):
            yield f"of Hydra's own settings only {', '.join(HYDRA_KEYS)} can be changed; results_dir says where runs go"
    elif override.is_delete():
        yield "keys cannot be removed; give the value that is wanted"
    elif key not in choices and key not in known_keys():
        yield unknown_key(key, tuple(choices))
    elif override.package is not None:
        yield f"write it without @{override.package}"
    elif override.is_add() and not override.is_force_add():
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
                yield f"{choice} is no choice of {key}; there are {', '.join(choices[key])}"
    elif is_dataclass(known_keys().get(key)) and not isinstance(value, dict):
        yield f"{key} is a section; give one of its keys, as in {key}.KEY=VALUE"
    elif not override.is_hydra_override():
        yield from _wrong_section(key, value)


def _wrong_sweep(override: Override, multirun: bool) -> Iterator[str]:
    if not override.is_discrete_sweep():
        yield "an interval is no list of values; write the values, as in key=1,2,3"
    elif not multirun:
        quoted = _in_quotes(override.key_or_group, "TEXT")
        yield f"is several values: add -m to run each, or quote a text with commas: {quoted}"
    elif not list(override.sweep_string_iterator()):
        yield "there is no such value"


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
