"""The files that a repository is known by agree with the program: versions, Pythons, commands."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from checkout import ROOT
from prefixrun import __version__

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(path: str) -> dict[str, object]:
    content = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def test_the_citation_is_of_this_version() -> None:
    assert read("CITATION.cff")["version"] == __version__


def test_the_tests_run_on_the_lowest_and_the_highest_python_of_the_package() -> None:
    pythons = [name.rpartition(" ")[2] for name in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d+$", name)]
    checks = (ROOT / ".github" / "workflows" / "checks.yml").read_text(encoding="utf-8")
    (matrix,) = re.findall(r"python-version: \[(.*)\]", checks)
    assert [version.strip(' "') for version in matrix.split(",")] == [pythons[0], pythons[-1]]
    assert PROJECT["requires-python"] == f">={pythons[0]}"


def test_the_hooks_are_the_commands_of_make_check() -> None:
    recipe = MAKEFILE.partition("\ncheck: ")[2].partition("\n\n")[0].replace("$(BIN)", ".venv/bin")
    commands = [command.strip() for line in recipe.splitlines()[1:] for command in line.split("&&")]
    hooks = [
        hook["entry"]
        for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
        for hook in repository["hooks"]
    ]
    assert hooks == commands


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_call_targets_that_there_are(path: Path) -> None:
    targets = re.findall(r"^([a-z-]+):.* ## ", MAKEFILE, re.MULTILINE)
    called = re.findall(r"make ([a-z-]+)", path.read_text(encoding="utf-8"))
    assert called
    assert set(called) <= set(targets)


def test_the_constraints_are_within_what_the_package_asks_for() -> None:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    versions = {canonicalize_name(name): version for name, version in pinned.items()}
    needed = [Requirement(text) for text in PROJECT["dependencies"]]
    assert {canonicalize_name(need.name) for need in needed} - versions.keys() == {"torch"}
    for need in needed:
        assert need.name == "torch" or need.specifier.contains(versions[canonicalize_name(need.name)]), need
