"""One thin file a verb, see cli/verbs.py."""

from collections.abc import Sequence
from importlib import import_module
from inspect import cleandoc

from prefixrun.cli.arguments import parse
from prefixrun.cli.fitted_text import fitted_to_terminal
from prefixrun.cli.plain_output import print_plain
from prefixrun.cli.verbs import VERBS


def run(name: str, arguments: Sequence[str]) -> int:
    """Run the verb ``name`` with ``key=value`` arguments; its exit code. Raises ConfigError for wrong arguments."""
    file, _, function = name.partition(" ")
    module = import_module(f"prefixrun.cli.commands.{file}")
    if {"-h", "--help"} & set(arguments):
        print_plain(fitted_to_terminal(cleandoc(module.__doc__ or "") + "\n"))
        return 0
    parsed = list(arguments) if VERBS[name].takes_overrides else parse(name, arguments)
    code: int = getattr(module, function or "run")(parsed)
    return code
