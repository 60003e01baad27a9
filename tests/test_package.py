"""The wheel holds everything the command needs, and the command works from it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from checkout import ROOT


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
    samples = Path("data") / "samples"
    assets = Path("analysis") / "html" / "assets"
    assert files(package / assets, "*") == files(ROOT / "src" / "prefixrun" / assets, "*")
    assert files(package / samples, "*.csv") == files(ROOT / "src" / "prefixrun" / samples, "*.csv")


def test_the_command_works_from_the_wheel_in_any_directory(unpacked: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    words = [sys.executable, "-P", "-m", "prefixrun", "--cfg", "job", "decode=greedy"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "beams: 1\n" in done.stdout
    code = (
        "from prefixrun.analysis import paper_numbers; from prefixrun.config.conf_tree import conf_dir; "
        "print(conf_dir(), paper_numbers.directory())"
    )
    words = [sys.executable, "-P", "-c", code]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [str(unpacked / "prefixrun" / part) for part in ("conf", "paper_numbers")]


def test_make_installs_the_torch_that_the_package_pins() -> None:
    done = subprocess.run(["make", "-n", "-B", "setup"], cwd=ROOT, capture_output=True, text=True, check=True)
    pinned = next(line for line in (ROOT / "pyproject.toml").read_text().splitlines() if "torch==" in line)
    assert f"install {pinned.strip().strip(',').strip(chr(34))}\n" in done.stdout
