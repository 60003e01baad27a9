"""Every command that a document shows is one that the program takes; none of them is run."""

import re
import shlex
from pathlib import Path

import pytest

from checkout import ROOT
from compositions import sweep_problems
from prefixrun.cli.arguments import parse, parse_some
from prefixrun.cli.reproduction import KEYS, make_request
from prefixrun.cli.verbs import VERBS, named

DOCUMENTS = sorted((ROOT / "README.md", *(ROOT / "docs").glob("*.md")))
START = ("prefixrun ", "torchrun ")
INLINE = re.compile(r"`((?:prefixrun|torchrun) [^`]+)`")


def commands(document: Path) -> list[str]:
    """Lines of code blocks, and code within a line, that begin with the program."""
    text, *blocks = re.split(r"^```", document.read_text(encoding="utf-8"), flags=re.M)
    found = []
    for index, part in enumerate((text, *blocks)):
        lines = part.splitlines() if index % 2 else INLINE.findall(part.replace("\n", " "))
        found += [line for line in lines if line.startswith(START)]
    return [line for line in found if "..." not in line and "VERB" not in line]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_commands_of_a_document_are_taken(document: Path, tmp_path: Path) -> None:
    (tmp_path / "e2e").mkdir()
    for command in commands(document):
        words = [
            word.replace("DIR", str(tmp_path)).replace("model=NAME", "model=gpt2")
            for word in shlex.split(command, comments=True)
        ]
        words = words[words.index("prefixrun") + 1 :]
        verb = named(words)
        rest = words[len(verb.split()) :] if verb else [word for word in words if word != "-m"]
        if verb == "reproduce":
            make_request(*parse_some(rest, KEYS))
        elif verb is not None and not VERBS[verb].takes_overrides:
            if rest:  # a verb alone is its name in a sentence
                parse(verb, rest)
        elif verb not in ("ls", "help") and not {"--help", "--cfg", "--config-dir"} & set(
            words
        ):  # ls knows the keys of the runs
            problems = sweep_problems(rest, multirun=verb is not None or "-m" in words)
            assert {each for each in problems if not each.startswith("method.runs=")} == set(), command  # not there yet


def test_there_are_commands_in_the_documents() -> None:
    assert sum(len(commands(document)) for document in DOCUMENTS) > 40
