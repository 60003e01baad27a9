"""The arguments of a verb: ``key=value``, everything that is wrong with them in one message, and what they mean."""

import argparse
import os
from collections.abc import Mapping, Sequence
from os.path import isdir
from pathlib import Path
from typing import NoReturn

from prefixrun.cli.verbs import VERBS
from prefixrun.config.paths import wrong_path
from prefixrun.config.validate import closest, refusal
from prefixrun.errors import ConfigError, shortened

PATHS = (
    *("results_dir", "data_dir", "config_dir", "model_path", "hyp", "refs", "file", "prefix", "out", "into", "json"),
    "pictures",
)
"""Keys of paths."""

READ = ("hyp", "against", "refs", "file")
"""Those of files that may also come from standard input."""

LISTS = ("run", "metrics")
"""Keys of names that may stand behind each other with commas."""


class OptionParser(argparse.ArgumentParser):
    """Options that begin with dashes. What is wrong with them is a ConfigError like all else."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(shortened(message))


def split_config_dir(arguments: Sequence[str]) -> tuple[Path | None, list[str]]:
    """The directory of ``--config-dir DIR`` (or -cd), and the other arguments. Raises ConfigError without a value."""
    parser = OptionParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config-dir", "-cd", type=Path)
    options, others = parser.parse_known_args(list(arguments))
    return options.config_dir, others


def parse(name: str, arguments: Sequence[str]) -> dict[str, str]:
    """The arguments of a verb by key. Raises ConfigError naming everything that is wrong with them."""
    verb = VERBS[name]
    known = (*verb.required, *verb.optional)
    positions = iter(verb.positional)
    arguments = _options_as_keys(arguments)
    values: dict[str, str] = {}
    problems = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals and (name_of_position := next(positions, None)):
            values[name_of_position] = argument
            continue
        if not equals:
            problems.append(f"{shortened(argument)}: is not key=value")
        elif key not in known:
            close = closest(key, known)
            hint = f"did you mean {close}?" if close else f"there are {', '.join(known)}"
            problems.append(f"{shortened(argument)}: prefixrun {name} has no key {shortened(key)}; {hint}")
        elif key in values:
            problems.append(f"{shortened(argument)}: {key} is given twice")
        elif problem := wrong_value(key, value):
            problems.append(f"{shortened(argument)}: {problem}")
        values[key] = value
    problems += [f"{key}: is missing; prefixrun {name} needs {key}=VALUE" for key in verb.required if key not in values]
    problems += [
        f"{key}: is missing; prefixrun {name} takes {' '.join(verb.positional)}"
        for key in verb.positional
        if key not in values
    ]
    if problems:
        raise refusal(problems)
    return values


def _options_as_keys(arguments: Sequence[str]) -> list[str]:
    """``--config-dir DIR``, as runs and sweeps have it, as the key of the verbs that take it."""
    keys = []
    rest = iter(arguments)
    for argument in rest:
        option, equals, value = argument.partition("=")
        if option in ("--config-dir", "-cd"):
            argument = f"config_dir={value if equals else next(rest, '')}"
        keys.append(argument)
    return keys


def wrong_value(key: str, value: str) -> str | None:
    """What is wrong with the value of a verb's own key, whatever the verb."""
    if not value or (key in LISTS and not value.strip(", ")):
        return "has no value"
    if value == "-" and key in PATHS:
        return None if key in READ else f"- is standard input, for {', '.join(READ)}; name a path"
    return wrong_path(value) if key in PATHS else None


def parse_some(arguments: Sequence[str], keys: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The values of a verb's own `keys`, and the other arguments, which are overrides of a run or a sweep.

    Raises ConfigError for a key that is given twice or without a value.
    """
    values: dict[str, str] = {}
    overrides = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if key not in keys or not equals:
            overrides.append(argument)
        elif key in values:
            raise refusal([f"{shortened(argument)}: {key} is given twice"])
        elif problem := wrong_value(key, value):
            raise refusal([f"{shortened(argument)}: {problem}; give a value, or leave {key} out"])
        else:
            values[key] = value
    return values, overrides


def path_of(arguments: Mapping[str, str], key: str) -> Path | None:
    """The path that a key names, ~ replaced; None without the key."""
    return Path(arguments[key]).expanduser() if key in arguments else None


def directory(arguments: Mapping[str, str], key: str) -> Path | None:
    """`path_of`, for a directory that must be there. Raises ConfigError where it is not."""
    named = path_of(arguments, key)
    return None if named is None else checked_directory(key, named)


def checked_directory(key: str, named: Path) -> Path:
    """A directory that a key names. Raises ConfigError where it is not there."""
    if not isdir(named):
        raise ConfigError(f"{key}={named}: there is no such directory")
    return named


def check_out(arguments: Mapping[str, str], *inputs: str) -> None:
    """Raise ConfigError where `out` or `json` cannot hold a file, or is one of those that the keys `inputs` name.

    For a verb's beginning: minutes may be spent on what goes there.
    """
    for name in ("out", "json"):
        if (out := path_of(arguments, name)) is None:
            continue
        if out.is_dir():
            raise ConfigError(f"{name}={out}: is a directory; name a file in it")
        if not out.parent.is_dir():
            raise ConfigError(f"{name}={out}: {out.parent} is no directory; make it first")
        if not os.access(out.parent, os.W_OK):
            raise ConfigError(f"{name}={out}: {out.parent} cannot be written in; name a file in another directory")
        for key in inputs:
            if (other := path_of(arguments, key)) and out.resolve() == other.resolve():
                raise ConfigError(f"{name}={out}: is the file of {key}, which it would replace; name another")


def results_dir(arguments: Mapping[str, str]) -> Path:
    """The results tree that a verb reads: results, where the arguments name no other."""
    return path_of(arguments, "results_dir") or Path("results")


def run_names(arguments: Mapping[str, str]) -> list[str]:
    """The runs that `run` names, with commas between them."""
    return [name for part in arguments["run"].split(",") if (name := part.strip())]


def whole_number(key: str, text: str, low: int, high: int, hint: str = "") -> int:
    """The number that a text is. Raises ConfigError for anything but a whole number within the bounds.

    hint: ends the message, such as what another value means.
    """
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(high)) else -1
    if not low <= number <= high:
        raise ConfigError(f"{key}={shortened(text, 40)}: must be a whole number from {low:,} to {high:,}{hint}")
    return number
