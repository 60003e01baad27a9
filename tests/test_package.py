"""The wheel holds everything the command needs, and the command works from it; every module has its tests."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from checkout import ROOT, python

PACKAGE = ROOT / "src" / "prefixrun"
TESTS = ROOT / "tests"
OF_NO_MODULE = {
    "analysis/html/test_scripts.py": "the JavaScript of the report",
    "cli/test_bad_input.py": "files that are damaged, through every command",
    "cli/test_full_disk.py": "a full disk, through every command",
    "cli/test_read_only.py": "closed directories, through every command",
    "cli/test_records_of_others.py": "records that others wrote, through every command",
    "cli/test_visible.py": "what may be shown, through every command",
    "config/test_conf.py": "the files of conf/",
    "data/test_samples.py": "the sample corpora",
    "methods/test_check_list.py": "the behaviours of every method",
    "metrics/test_goldens_e2e.py": "values of the official programs",
    "metrics/test_goldens_other_tasks.py": "values of the official programs",
    "metrics/test_published_outputs.py": "the scores that papers printed",
    "results/test_any_bytes.py": "files of any bytes, through every reader",
    "runs/test_tampering.py": "a run whose files were changed, through every stage",
}
"""Tests beside those of the modules, and what they are of."""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", directory, ROOT]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = directory.glob("prefixrun-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory / "site")
    return directory / "site"


def files(directory: Path, pattern: str) -> set[str]:
    found = {path.relative_to(directory).as_posix() for path in directory.rglob(pattern)}
    assert found, f"{directory} holds no {pattern}"
    return found


def test_the_wheel_holds_configuration_numbers_samples_and_the_page(unpacked: Path) -> None:
    package = unpacked / "prefixrun"
    assert files(package / "conf", "*.yaml") == files(ROOT / "conf", "*.yaml")
    assert files(package / "paper_numbers", "*.csv") == files(ROOT / "results" / "paper", "*.csv")
    assert files(package / "published_numbers", "*.csv") == files(ROOT / "results" / "published", "*.csv")
    samples = Path("data") / "samples"
    assets = Path("analysis") / "html" / "assets"
    assert files(package / assets, "*") == files(ROOT / "src" / "prefixrun" / assets, "*")
    assert files(package / samples, "*.csv") == files(ROOT / "src" / "prefixrun" / samples, "*.csv")


def test_the_command_works_from_the_wheel_in_any_directory(unpacked: Path, tmp_path: Path) -> None:
    done = python("-P", "-m", "prefixrun", "--cfg", "job", "decode=greedy", cwd=tmp_path, path=unpacked)
    assert (done.returncode, done.stderr) == (0, "")
    assert "beams: 1\n" in done.stdout
    code = (
        "from prefixrun.analysis import paper_numbers; from prefixrun.config.conf_tree import conf_dir; "
        "print(conf_dir(), paper_numbers.directory(), paper_numbers.published_directory())"
    )
    assert python("-P", "-c", code, cwd=tmp_path, path=unpacked).stdout.split() == [
        str(unpacked / "prefixrun" / part) for part in ("conf", "paper_numbers", "published_numbers")
    ]


def test_make_installs_the_torch_that_the_package_pins() -> None:
    done = subprocess.run(["make", "-n", "-B", "setup"], cwd=ROOT, capture_output=True, text=True, check=True)
    pinned = next(line for line in (ROOT / "pyproject.toml").read_text().splitlines() if "torch==" in line)
    assert f"install {pinned.strip().strip(',').strip(chr(34))}\n" in done.stdout


def mirrored(module: Path) -> str:
    """Where the tests of a module are: those of a package's __init__ beside its directory."""
    path = module.relative_to(PACKAGE)
    path = path.parent if path.name == "__init__.py" else path.with_suffix("")
    return path.with_name(f"test_{path.name}.py").as_posix()


def has_logic(module: Path) -> bool:
    """Whether it has functions or methods; a module of nothing but fields is tested by what reads it."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(isinstance(node, kinds) for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))))


def test_every_module_has_its_tests_and_no_others_lie_between_them() -> None:
    modules = {mirrored(path): path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"}
    packages = {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    there = {path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")}
    assert {name for name, path in modules.items() if has_logic(path)} - there == set()
    beside = {name for name in there - modules.keys() if name.partition("/")[0] in packages}
    assert beside == OF_NO_MODULE.keys()
