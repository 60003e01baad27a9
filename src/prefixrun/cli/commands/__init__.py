"""The verbs of the command: ``prefixrun VERB key=value``, one thin file each.

A verb's module has a function ``run(arguments: dict[str, str]) -> int`` that returns the exit code, and its docstring
is what ``prefixrun VERB --help`` prints. A new verb is one file and one line in ``VERBS``. A verb of two words, such as
``data check``, is the function of the second name in the module of the first.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from inspect import cleandoc
from typing import NoReturn

from prefixrun.cli.plain_output import print_plain
from prefixrun.config.paths import wrong_path
from prefixrun.config.schema import DecodeConfig
from prefixrun.config.validate import closest, refusal
from prefixrun.errors import ConfigError, shortened


@dataclass(frozen=True, slots=True)
class Verb:
    """What the command needs to know of a verb before its module is imported."""

    summary: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    positional: tuple[str, ...] = ()
    """Arguments without a key, in this order; all are required."""
    takes_overrides: bool = False
    """Whether it parses its arguments itself, because overrides of a run or a sweep, or filters, are among them."""


VERBS: dict[str, Verb] = {
    "help": Verb("the keys, choices and verbs that have to do with a word", required=(), takes_overrides=True),
    "score": Verb(
        "the official scores of any system's output file",
        required=("task", "hyp"),
        optional=("refs", "split", "data_dir", "data.verify", "config_dir", "metrics", "out", "bootstrap", "against"),
    ),
    "reproduce": Verb(
        "the paper's experiments: run what is missing, then tables, figures, claims, report",
        required=(),
        takes_overrides=True,
    ),
    "tables": Verb(
        "the paper's tables, figures and claims with the runs there are",
        required=(),
        optional=("results_dir", "out", "version", "seeds"),
    ),
    "report": Verb(
        "every run, table, figure and output as one HTML file",
        required=(),
        optional=("results_dir", "out", "data_dir"),
    ),
    "tune": Verb(
        "the learning rate, or any other settings, with the lowest development loss", required=(), takes_overrides=True
    ),
    "plan": Verb("what a sweep would do: states, reasons and time; runs nothing", required=(), takes_overrides=True),
    "keep": Verb(
        "finished runs as small records, for version control and published tables",
        required=("run",),
        optional=("results_dir", "into"),
    ),
    "ls": Verb("all runs and their states as a table, filtered and sorted", required=(), takes_overrides=True),
    "diff": Verb(
        "what sets two finished runs apart: settings, versions, scores with p-values, outputs",
        required=(),
        optional=("examples", "results_dir", "data_dir", "json"),
        positional=("A", "B"),
    ),
    "verify": Verb(
        "whether a finished run still is what it says: identity, model, scores, outputs",
        required=(),
        optional=("regenerate", "results_dir", "data_dir", "model_path", "json"),
        positional=("ID",),
    ),
    "params": Verb(
        "parameter counts of any model, method and size; needs no weights", required=(), takes_overrides=True
    ),
    "generate": Verb(
        "outputs of finished runs for inputs of your own",
        required=(),
        optional=(
            "run",
            "prefix",
            "model",
            "text",
            "file",
            "combine",
            "decode",
            *(f"decode.{field.name}" for field in fields(DecodeConfig)),
            "model_path",
            "prefix_len",
            "out",
            "results_dir",
        ),
    ),
    "export": Verb(
        "what a run has trained, for use elsewhere",
        required=("run", "out"),
        optional=("format", "push", "results_dir", "model_path", "prefix_len"),
    ),
    "inspect": Verb(
        "what a trained prefix says: nearest words, attention, what leaving parts out costs, as a page",
        required=("run",),
        optional=("data_dir", "examples", "vocabulary", "results_dir", "model_path"),
    ),
    "data check": Verb(
        "whether the corpora in a directory are whole, and what they share",
        required=(),
        optional=("data_dir", "task", "config_dir", "json"),
    ),
    "data download": Verb("a corpus from its official source", required=("task", "data_dir"), optional=("source",)),
}


PATHS = ("results_dir", "data_dir", "config_dir", "model_path", "hyp", "refs", "file", "prefix", "out", "into", "json")
"""Keys of paths."""

LISTS = ("run", "metrics", "seeds", "data.verify")
"""Keys of names that may stand behind each other with commas."""


class OptionParser(argparse.ArgumentParser):
    """Options that begin with dashes. What is wrong with them is a ConfigError like all else."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(shortened(message))


def named(arguments: Sequence[str]) -> str | None:
    """The verb that the arguments begin with."""
    return next((name for name in VERBS if list(arguments[: len(name.split())]) == name.split()), None)


def run(name: str, arguments: Sequence[str]) -> int:
    """Run the verb ``name`` with ``key=value`` arguments; its exit code. Raises ConfigError for wrong arguments."""
    file, _, function = name.partition(" ")
    module = import_module(f"prefixrun.cli.commands.{file}")
    if {"-h", "--help"} & set(arguments):
        from prefixrun.cli.help import fitted_to_terminal

        print_plain(fitted_to_terminal(cleandoc(module.__doc__ or "") + "\n"))
        return 0
    parsed = list(arguments) if VERBS[name].takes_overrides else parse(name, arguments)
    code: int = getattr(module, function or "run")(parsed)
    return code


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
    return wrong_path(value) if key in PATHS and value != "-" else None


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
