"""Pages of the documentation site that are made when it is built; a hook of MkDocs, named in mkdocs.yml.

The reference comes from the schema, the help of the command and the public docstrings; the pages about the project are
the files in the root of the repository. None of them can go stale.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

PROJECT_FILES = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")

PYTHON_API = {
    "The program as a function": ("prefixrun.run", "prefixrun.load", "prefixrun.score"),
    "A finished run": ("prefixrun.results.loaded.LoadedRun",),
    "Scores": ("prefixrun.metrics.base.Score", "prefixrun.metrics.base.Metric"),
    "Methods": ("prefixrun.config.method_specs.MethodSpec", "prefixrun.methods.base.Method"),
    "Errors": ("prefixrun.errors",),
}
"""What users and extensions call, by section; tests/docs/test_site.py holds the names to the code."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, and the figures that pages show."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    for figure in sorted((ROOT / "results" / "figures").glob("*.svg")):
        files.append(File.generated(config, f"figures/{figure.name}", content=figure.read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Links that lead out of docs/ on GitHub lead to the page or figure of the site, or become the plain name of the
    file."""
    markdown = markdown.replace("](../results/figures/", "](figures/")
    return LINK.sub(lambda link: site_link(link[1], link[2], link[3], page.file.src_uri), markdown)


LINK = re.compile(r"\[([^\]]*)\]\((\.\./[^)#]+)(#[^)]*)?\)")


def site_link(text: str, target: str, anchor: str | None, page: str) -> str:
    """A link of a page in docs/ to a file outside it, as the site has it."""
    if not page.startswith("project/") and (name := target.removeprefix("../")) in PROJECT_FILES:
        return f"[{text}](project/{name}{anchor or ''})"
    return f"[{text}]({target}{anchor or ''})" if page.startswith("project/") else f"`{text.strip('`')}`"


def pages() -> dict[str, str]:
    """Path in the site -> Markdown of every generated page."""
    made = {"reference/command.md": command(), "reference/settings.md": settings(), "reference/python.md": python()}
    return made | {f"project/{name}": project(name) for name in PROJECT_FILES}


def project(name: str) -> str:
    """A file in the root of the repository as a page: its links lead from project/ into the site."""
    text = (ROOT / name).read_text(encoding="utf-8")
    text = re.sub(r"\]\(docs/", "](../", text)
    return re.sub(r"\[([^\]]*)\]\((?!https?:|\.\./|#)[^)]*\)", r"`\1`", text)


def command() -> str:
    """The help of the command and of each verb."""
    from prefixrun.cli import help as help_texts
    from prefixrun.cli.verbs import VERBS

    os.environ["COLUMNS"] = "100"
    head = help_texts.manual().partition("\nGroups (")[0]
    parts = ["# Command", "What `prefixrun --help` and `prefixrun VERB --help` print.", block(head)]
    for name in VERBS:
        module = import_module(f"prefixrun.cli.commands.{name.partition(' ')[0]}")
        parts += [f"## prefixrun {name}", block(inspect.cleandoc(module.__doc__ or ""))]
    options = help_texts.manual().partition("\nOptions\n")[2]
    return "\n\n".join([*parts, "## Options and exit codes", block("Options\n" + options)]) + "\n"


def settings() -> str:
    """Every key of a run with what it accepts, its default and its meaning, and every choice of every group."""
    from prefixrun.cli import help as help_texts
    from prefixrun.config.conf_tree import groups
    from prefixrun.config.validate import UNSET, expectation, shown

    parts = [
        "# Settings",
        "Made from the schema. A key is given as `KEY=VALUE`, a group as `GROUP=CHOICE`.",
        "## Groups",
    ]
    parts.append("\n".join(f"* `{group}`: {', '.join(map(code, names))}" for group, names in groups().items()))
    docs, section = help_texts.field_docs(), None
    for key, owner, hint, default in help_texts.leaves():
        here, _, name = key.rpartition(".")
        if here != section:
            section = here
            parts.append(f"## {here}" if here else "## Top level")
        facts = escaped(expectation(hint)) + ("" if default == UNSET else f"; default {code(str(shown(default)))}")
        parts.append(f"**{code(key)}** ({facts})<br>\n{escaped(docs[f'{owner}.{name}'])}")
    return "\n\n".join(parts) + "\n"


def code(text: str) -> str:
    """A text as code."""
    return f"`{text}`"


def python() -> str:
    """The public functions and classes; MkDocs reads their docstrings without importing them."""
    parts = [
        "# Python",
        "The functions and classes for use from Python and for extensions. [PYTHON](../PYTHON.md) shows them at work.",
    ]
    for title, names in PYTHON_API.items():
        parts += [f"## {title}", *(f"::: {name}\n    options:\n      heading_level: 3" for name in names)]
    return "\n\n".join(parts) + "\n"


def block(text: str) -> str:
    """A text as it stands on a terminal."""
    return f"```text\n{text.rstrip()}\n```"


def escaped(text: str) -> str:
    """A plain text whose signs mean nothing to Markdown."""
    return re.sub(r"([*_<\[\]|])", r"\\\1", text)
