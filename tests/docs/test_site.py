"""The documentation as a site: built without a warning, and what its pages name is in the program."""

import ast
import os
import re
import subprocess
import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from checkout import ROOT, SRC

PAPER = (ROOT / "docs" / "PAPER.md").read_text(encoding="utf-8")
TROUBLESHOOTING = (ROOT / "docs" / "TROUBLESHOOTING.md").read_text(encoding="utf-8")
MESSAGES = re.findall(r"^### `(.+)`$", TROUBLESHOOTING, re.MULTILINE)


def site_pages() -> ModuleType:
    spec = spec_from_file_location("site_pages", ROOT / "scripts" / "site_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(find_spec, ("mkdocs", "material", "mkdocstrings"))), reason="needs the extra docs: make docs"
)
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    html = "".join(page.read_text(encoding="utf-8") for page in tmp_path.rglob("*.html"))
    assert "train.diverged_factor" in html
    assert "https://fonts" not in html, "nothing is fetched when a page is read"


def test_every_page_is_in_the_navigation() -> None:
    listed = set(re.findall(r": ([\w/]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))
    there = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert listed == there | site_pages().pages().keys()


def test_the_reference_has_every_key_choice_and_verb() -> None:
    from prefixrun.cli.help import leaves
    from prefixrun.cli.verbs import VERBS
    from prefixrun.config.conf_tree import groups

    pages = site_pages().pages()
    for key, *_ in leaves():
        assert f"**`{key}`**" in pages["reference/settings.md"]
    for group, choices in groups().items():
        line = next(line for line in pages["reference/settings.md"].splitlines() if line.startswith(f"* `{group}`: "))
        assert all(f"`{choice}`" in line for choice in choices)
    for verb in VERBS:
        assert f"\n## prefixrun {verb}\n" in pages["reference/command.md"]


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    module, _, attribute = name.rpartition(".")
    try:
        return hasattr(import_module(module), attribute) or find_spec(name) is not None
    except ModuleNotFoundError:
        return False


NAMES = sorted(
    {*re.findall(r"`(prefixrun\.[\w.]+)`", PAPER), *(n for v in site_pages().PYTHON_API.values() for n in v)}
)


@pytest.mark.parametrize("name", NAMES)
def test_the_names_beside_the_paper_and_in_the_reference_exist(name: str) -> None:
    assert exists(name)


@cache
def texts_of_the_program() -> tuple[str, ...]:
    """Every piece of text in the source."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (SRC / "prefixrun").rglob("*.py")]
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return tuple(node.value for node in nodes if isinstance(node.value, str))


@pytest.mark.parametrize("message", MESSAGES)
def test_the_messages_of_the_page_are_those_of_the_program(message: str) -> None:
    pieces = [piece for piece in message.split("…") if piece.strip()]
    assert pieces
    for piece in pieces:
        assert any(piece in text for text in texts_of_the_program()), piece


def test_there_are_twenty_messages() -> None:
    assert len(MESSAGES) == 20
