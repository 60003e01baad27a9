"""The verbs of the command: ``prefixrun VERB key=value``, and the keys that each takes.

The module of a verb in cli/commands/ has a function ``run(arguments: dict[str, str]) -> int`` that returns the exit
code, and its docstring is what ``prefixrun VERB --help`` prints. A new verb is one file and one line in ``VERBS``. A
verb of two words, such as ``data check``, is the function of the second name in the module of the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from prefixrun.config.schema import DecodeConfig


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
            "model.hub",
            "model.layers",
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
        optional=("data_dir", "examples", "vocabulary", "pictures", "results_dir", "model_path"),
    ),
    "data check": Verb(
        "whether the corpora in a directory are whole, and what they share",
        required=(),
        optional=("data_dir", "task", "config_dir", "json"),
    ),
    "data download": Verb("a corpus from its official source", required=("task", "data_dir"), optional=("source",)),
}


def named(arguments: Sequence[str]) -> str | None:
    """The verb that the arguments begin with."""
    return next((name for name in VERBS if list(arguments[: len(name.split())]) == name.split()), None)
