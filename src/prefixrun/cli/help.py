"""``prefixrun --help`` and ``prefixrun help WORD``: made from conf/ and from the documented fields of the schema, so
that they cannot go stale; and the short help that ``prefixrun`` alone prints."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any

from prefixrun.cli.fitted_text import fitted, fitted_to_terminal, terminal_width
from prefixrun.cli.verbs import VERBS
from prefixrun.config import schema
from prefixrun.config.conf_tree import groups
from prefixrun.config.validate import UNSET, defaults, expectation, known_keys, shown

_HEAD = """\
prefixrun: prefix-tuning (Li & Liang, ACL 2021), run and scored as in the paper.

  prefixrun [KEY=VALUE | GROUP=CHOICE ...]       train, decode and score; the same command again shows the result
  prefixrun -m KEY=VALUE,VALUE ...               a sweep: one run for each combination
  prefixrun VERB [KEY=VALUE ...]                 everything else
  prefixrun help WORD                            the keys, choices and verbs that have to do with a word

Examples
  prefixrun task=e2e                             the small sample corpus and a small real model, offline
  prefixrun prefix_len=5 seed=1,2,3 -m           three seeds
  prefixrun profile=laptop data_dir=DIR          the real corpus, on a CPU
  prefixrun profile=paper data_dir=DIR           the paper's setting, on a GPU
"""

_SHORT = """\
prefixrun: prefix-tuning (Li & Liang, ACL 2021), run and scored as in the paper.

  prefixrun task=e2e                      train, decode and score on the sample corpus: minutes, offline
  prefixrun task=e2e seed=1,2,3 -m        a sweep: one run for each combination of values
  prefixrun ls                            your runs, their states and scores
  prefixrun report                        runs, tables, figures and outputs as one HTML file
  prefixrun score task=e2e hyp=FILE data_dir=DIR   the official scores of any system's outputs

`prefixrun --help` has every verb, group and key; `prefixrun help WORD` those about a word.
"""

_OPTIONS = """\
Options
  -m, --multirun           run every combination of comma-separated values
  --all-rows               show all rows of the paper beside a run, not only the one that it belongs beside
  -cd, --config-dir DIR    further choices of the groups above, laid out as conf/
  --cfg job                print the configuration and stop
  --version                print the version and the number of the meaning of its results
  --hydra-help             the options of Hydra, which composes the configuration
  Shell completion: eval "$(prefixrun -sc install=bash)", and the same for zsh and fish

Exit codes
  0          done
  1          a file or the output that cannot be written; a search in which a run failed
  2          configuration
  3          data
  4          missing optional part
  5          damaged state
  6          training has diverged
  70         a defect of this program
  75         run held by another process
  130, 143   interrupted (run the same command again to resume)
  141        nobody reads the output any more
"""


def manual() -> str:
    """The whole help text, wrapped to the terminal."""
    width = terminal_width()
    return "\n".join(fitted(text, width) for text in (_HEAD, _verbs(), _groups(width), _keys(width), _OPTIONS))


def short_help() -> str:
    """The commonest commands, wrapped to the terminal."""
    return fitted_to_terminal(_SHORT)


def about(word: str) -> str:
    """Every verb, group and key whose name, choices or description has a word in it; empty where none has."""
    width = terminal_width()
    sections = []
    for section in (_verbs(), _groups(width), _keys(width)):
        heading, _, body = section.partition("\n")
        entries = [entry for entry in _ENTRY.split(body) if _plain(word) in _plain(entry)]
        if entries:
            sections.append(fitted("\n".join([heading, *(entry.rstrip("\n") for entry in entries)]) + "\n", width))
    return "\n".join(sections)


def _plain(text: str) -> str:
    """A text as it is searched: warm-up, Warmup and warm_up are one word."""
    return re.sub("[-_]", "", " ".join(text.split()).lower())


_ENTRY = re.compile(r"^(?=  \S)", re.MULTILINE)
"""An entry begins with two spaces; what belongs to it stands further in."""


def _verbs() -> str:
    lines = (f"  {name:<24} {verb.summary}\n" for name, verb in VERBS.items())
    return "Verbs (`prefixrun VERB --help` says more)\n" + "".join(lines)


def field_docs() -> dict[str, str]:
    """Class name and field, as in ``TrainConfig.lr`` -> the string that stands under the field."""
    docs = {}
    sections: list[Any] = [schema.Config, *filter(is_dataclass, known_keys().values())]
    for section in sections:
        for node in ast.parse(inspect.getsource(section)).body:
            assert isinstance(node, ast.ClassDef)
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
    for key, owner, hint, default in leaves():
        facts = expectation(hint) + ("" if default == UNSET else f"; {shown(default)}")
        lines.append(f"  {key}  [{facts}]")
        lines.append(textwrap.indent(textwrap.fill(docs[f"{owner}.{key.rpartition('.')[2]}"], width - 6), " " * 6))
    return "\n".join(lines) + "\n"


def leaves() -> Iterator[tuple[str, str, Any, Any]]:
    """Key, name of the dataclass it belongs to, type and default; the top level first."""
    keys = known_keys()
    default = defaults()
    for key, hint in sorted(keys.items(), key=lambda item: "." in item[0]):
        if not is_dataclass(hint):
            section, _, name = key.rpartition(".")
            owner = keys[section].__name__ if section else schema.Config.__name__
            yield key, owner, hint, (default[section] if section else default)[name]
