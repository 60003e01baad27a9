"""``prefixrun --help``: made from conf/ and from the documented fields of the schema, so that it cannot go stale."""

import ast
import inspect
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any

from prefixrun.cli.commands import VERBS
from prefixrun.config import schema
from prefixrun.config.conf_tree import groups
from prefixrun.config.validate import UNSET, defaults, expectation, known_keys, shown

NARROWEST = 60
"""Cells of a line; narrower terminals break lines themselves."""

_HEAD = """\
prefixrun: prefix-tuning (Li & Liang, ACL 2021), run and scored as in the paper.

  prefixrun [KEY=VALUE | GROUP=CHOICE ...]       train, decode and score; the same command again shows the result
  prefixrun -m KEY=VALUE,VALUE ...               a sweep: one run for each combination
  prefixrun VERB [KEY=VALUE ...]                 everything else

Examples
  prefixrun                                      the small sample corpus and a small real model, offline
  prefixrun prefix_len=5 seed=1,2,3 -m           three seeds
  prefixrun profile=laptop data_dir=DIR          the real corpus, on a CPU
  prefixrun profile=paper data_dir=DIR           the paper's setting, on a GPU
"""

_OPTIONS = """\
Options
  -m, --multirun           run every combination of comma-separated values
  -cd, --config-dir DIR    further choices of the groups above, laid out as conf/
  --cfg job                print the configuration and stop
  --version                print the version and the number of the meaning of its results
  --hydra-help             the options of Hydra, which composes the configuration
  Shell completion: eval "$(prefixrun -sc install=bash)", and the same for zsh and fish

Exit codes
  0 done   2 configuration   3 data   4 missing optional part   5 damaged state   6 training has diverged
  75 run held by another process   130, 143 interrupted (run the same command again to resume)
"""


def manual() -> str:
    """The whole help text, wrapped to the terminal."""
    width = max(NARROWEST, min(shutil.get_terminal_size().columns, 120))
    verbs = "Verbs (`prefixrun VERB --help` says more)\n" + "".join(
        f"  {name:<24} {verb.summary}\n" for name, verb in VERBS.items()
    )
    return "\n".join([_HEAD, verbs, _groups(width), _keys(width), _OPTIONS])


def field_docs() -> dict[str, str]:
    """Class name and field, as in ``TrainConfig.lr`` -> the string that stands under the field."""
    docs = {}
    for node in ast.parse(inspect.getsource(schema)).body:
        if isinstance(node, ast.ClassDef):
            for statement, after in zip(node.body, node.body[1:], strict=False):
                match statement, after:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                        docs[f"{node.name}.{name}"] = " ".join(text.split())
    return docs


def _groups(width: int) -> str:
    lines = ["Groups (GROUP=CHOICE)"]
    for group, choices in groups().items():
        indent = " " * 27
        lines.append(textwrap.fill(f"  {group:<24} " + ", ".join(choices), width, subsequent_indent=indent))
    return "\n".join(lines) + "\n"


def _keys(width: int) -> str:
    lines = ["Keys (KEY=VALUE; in brackets what is accepted and the default, where the profile does not set one)"]
    docs = field_docs()
    for key, owner, hint, default in _leaves():
        facts = expectation(hint) + ("" if default == UNSET else f"; {shown(default)}")
        lines.append(f"  {key}  [{facts}]")
        lines.append(textwrap.indent(textwrap.fill(docs[f"{owner}.{key.rpartition('.')[2]}"], width - 6), " " * 6))
    return "\n".join(lines) + "\n"


def _leaves() -> Iterator[tuple[str, str, Any, Any]]:
    """Key, name of the dataclass it belongs to, type and default; the top level first."""
    keys = known_keys()
    default = defaults()
    for key, hint in sorted(keys.items(), key=lambda item: "." in item[0]):
        if not is_dataclass(hint):
            section, _, name = key.rpartition(".")
            owner = keys[section].__name__ if section else schema.Config.__name__
            yield key, owner, hint, (default[section] if section else default)[name]
