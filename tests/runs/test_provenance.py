"""What ran is recorded; who ran it and on which machine is not."""

import getpass
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import prefixrun
from checkout import python
from prefixrun.runs import provenance as provenance_module
from prefixrun.runs.provenance import anonymous, command, git_state, packages, provenance, utc_now


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current directory at HOME/work, where HOME is of a user called ada."""
    home = tmp_path / "users" / "ada"
    (home / "work").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home / "work")
    return home / "work"


def test_the_record_has_what_is_needed_to_repeat_a_run() -> None:
    record = provenance(["/opt/bin/prefixrun", "task=e2e", "prefix_len=10"], threads=2)
    assert record["prefixrun"] == prefixrun.__version__
    assert record["semantics"] == prefixrun.SEMANTICS
    assert record["python"] == ".".join(map(str, sys.version_info[:3]))
    assert record["command"] == "prefixrun task=e2e prefix_len=10"
    assert record["threads"] == 2
    assert record["cpu_count"] == os.cpu_count()
    assert record["cpu"]
    assert {"torch", "transformers", "hydra-core", "sacrebleu"} <= set(record["packages"])
    assert record["time"].endswith("+00:00")
    json.dumps(record, allow_nan=False)


def test_nothing_in_the_record_names_a_person_a_machine_or_the_environment(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2-hunter2")
    text = json.dumps(provenance([f"{here}/prefixrun", f"data_dir={here.parent}/corpora", "refs=~/x.json"]))
    assert str(here.parent) not in text
    assert "hunter2" not in text
    assert f'"{socket.gethostname()}"' not in text
    assert f"/{getpass.getuser()}/" not in text
    assert "data_dir=<path>/corpora" in text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("task=e2e", "task=e2e"),
        ("train.lr=5e-3", "train.lr=5e-3"),
        ("model.hub=openai-community/gpt2", "model.hub=openai-community/gpt2"),
        ("experiment=table2/e2e", "experiment=table2/e2e"),
        ("init_words=price and / or rating", "init_words=price and / or rating"),
        ("data_dir=data/real", "data_dir=data/real"),
        ("data_dir=/srv/corpora", "data_dir=<path>/corpora"),
        ("data_dir=/home/ada/a b/c", "data_dir=<path>/c"),
        ("data_dir=/home/bob", "data_dir=<path>"),
        ("data_dir=~", "data_dir=<path>"),
        ("data_dir=~bob", "data_dir=~bob"),
        ("data_dir=~/corpora", "data_dir=<path>/corpora"),
        ("results_dir=../other", "results_dir=<path>/other"),
        ("results_dir=a/../../../../x", "results_dir=<path>/x"),
        ("results_dir=a/../b", "results_dir=b"),
        ("results_dir=..", "results_dir=.."),
        ("paths=[/srv/a, '/srv/b',c/d]", "paths=[<path>/a, '<path>/b',c/d]"),
        ("hyp=/srv/a,/srv/b", "hyp=<path>/a,<path>/b"),
        ("+x={a:/srv/y}", "+x={a:<path>/y}"),
        ("/srv/out.txt", "<path>/out.txt"),
        ("~task", "~task"),
        ("-m", "-m"),
        ("/", "<path>"),
    ],
)
def test_private_paths_keep_their_last_part_only(given: str, kept: str, here: Path) -> None:
    assert anonymous(given) == kept


def test_paths_below_the_current_directory_are_written_relative_to_it(here: Path) -> None:
    assert anonymous(f"data_dir={here}/data/e2e") == "data_dir=data/e2e"
    assert anonymous(f"text=see {here.parent}/x") == "text=see <path>/x"


def test_in_the_home_directory_itself_paths_are_still_anonymous(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here.parent)
    assert anonymous(f"data_dir={here.parent}/data") == "data_dir=<path>/data"
    assert anonymous(f"data_dir={here.parent}") == "data_dir=<path>"


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["/opt/bin/prefixrun", "init_words=a b"], "prefixrun 'init_words=a b'"),
        (["/site-packages/prefixrun/__main__.py", "-m"], "prefixrun -m"),
        ([], "prefixrun"),
    ],
)
def test_the_command_can_be_given_to_a_shell(argv: list[str], text: str) -> None:
    assert command(argv) == text


def test_packages_that_are_not_installed_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance_module, "PACKAGES", ("numpy", "surely-not-installed"))
    assert list(packages()) == ["numpy"]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a committed package in src/package and a conf/ beside src."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    package = tmp_path / "src" / "package"
    package.mkdir(parents=True)
    (tmp_path / "conf").mkdir()
    (package / "__init__.py").write_text("")
    (tmp_path / "conf" / "config.yaml").write_text("a: 1\n")
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "first")
    return package


def _git(directory: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(directory), *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_the_commit_of_a_clean_checkout(checkout: Path) -> None:
    (checkout.parents[1] / "results").mkdir()
    (checkout.parents[1] / "results" / "new.json").write_text("{}")
    assert git_state(checkout) == {"commit": _git(checkout, "rev-parse", "HEAD"), "modified": False}


@pytest.mark.parametrize("changed", ["src/package/__init__.py", "src/package/new.py", "conf/config.yaml"])
def test_a_change_of_code_or_configuration_is_recorded(changed: str, checkout: Path) -> None:
    (checkout.parents[1] / changed).write_text("changed\n")
    state = git_state(checkout)
    assert state is not None
    assert state["modified"] is True


def test_an_installed_package_inside_another_repository_has_no_commit(checkout: Path, tmp_path: Path) -> None:
    installed = checkout.parents[1] / ".venv" / "package"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    assert git_state(installed) is None


def test_without_git_there_is_no_commit(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git_state(checkout) is None


def test_peak_memory_counts_what_was_held() -> None:
    script = (
        "from prefixrun.runs.provenance import peak_memory_bytes, restart_peak_memory\n"
        "before = peak_memory_bytes()\n"
        "held = b'x' * 200_000_000\n"
        "del held\n"
        "print(before, peak_memory_bytes())\n"
        "restart_peak_memory()\n"
        "print(peak_memory_bytes())"
    )
    before, after, again = map(int, python("-c", script).stdout.split())
    assert 5_000_000 < before < 150_000_000
    assert 190_000_000 < after - before < 220_000_000
    assert again < before + 20_000_000 or not Path("/proc/self/clear_refs").exists()


def test_times_are_in_utc() -> None:
    assert len(utc_now()) == len("2026-01-01T00:00:00+00:00")
    assert utc_now().endswith("+00:00")
