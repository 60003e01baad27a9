"""Files of a user's own: each that is not a plain, bounded mapping is refused by name, and none can steer Hydra."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from prefixrun.config.compose import compose, configurations
from prefixrun.errors import ConfigError
from prefixrun.sweeps.launchers import launcher

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
CODE = "{_target_: logging.FileHandler, filename: F}"
MALFORMED: dict[str, tuple[str | bytes | Callable[[Path], None], str]] = {
    "alias bomb": (BOMB, "more than 50,000 values, when aliases are followed"),
    "alias loop": ("name: &a [*a]\n", "an alias contains itself"),
    "Latin-1": (b"name: caf\xe9\n", "UnicodeDecodeError"),
    "zero byte": (b"name: a\0\n", "is not YAML"),
    "deep lists": ("name: " + "[" * 5000 + "]" * 5000, "is nested too deeply"),
    "a few levels too deep": ("name: " + "[" * 30 + "]" * 30, "more than 20 levels of nesting"),
    "list": ("[1, 2]\n", "is not a mapping of keys to values"),
    "number": ("5\n", "is not a mapping of keys to values"),
    "two documents": ("name: a\n---\nname: b\n", "is not YAML"),
    "code": ("name: !!python/object/apply:os.mkdir [F]\n", "is not taken; write a text in quotes"),
    "octal": ("name: a\nseed: 010\n", "2: 010 is no plain number"),
    "underscore": ("name: a\nseed: 1_0\n", "2: 1_0 is no plain number"),
    "sexagesimal": ("name: a\nseed: 1:30\n", "2: 1:30 is no plain number"),
    "thousands of digits": (f"name: a\nseed: {'9' * 5000}\n", "is no plain number"),
    "key twice": ("name: a\nname: b\n", "2: name is there twice"),
    "number as key": ("1: 2\n", "a key that is no text"),
    "huge": ("name: " + "x" * 2**20, "at most 1,048,576 are read"),
    "directory": (lambda path: path.mkdir(), "is not a file"),
    "pipe": (os.mkfifo, "is not a file"),
    "link to nowhere": (lambda path: path.symlink_to("nowhere"), "cannot be read"),
    "loop of links": (lambda path: path.symlink_to(path), "cannot be read"),
}


def directory(root: Path, name: str, content: str | bytes | Callable[[Path], None]) -> Path:
    path = root / "conf" / name
    path.parent.mkdir(parents=True)
    if callable(content):
        content(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root / "conf"


@pytest.mark.parametrize("group", ["task", "experiment"])
@pytest.mark.parametrize(("content", "message"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_file_is_refused_by_name(
    group: str, content: str | bytes | Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    conf = directory(tmp_path, f"{group}/mine.yaml", content)
    with pytest.raises(ConfigError) as caught:
        configurations([f"{group}=mine"], multirun=group == "experiment", config_dir=conf)
    text = str(caught.value)
    assert text.startswith(f"{conf / group / 'mine.yaml'}:")
    assert message in text
    assert len(text) < 700


@pytest.mark.parametrize(
    "content",
    [
        f"# @package _global_\nhydra: {{callbacks: {{x: {CODE}}}}}\n",
        "# @package _global_\nhydra: {run: {dir: F}}\n",
        "# @package hydra.launcher\nx: 1\n",
        "defaults: [{override /hydra/launcher: joblib}]\nname: a\n",
        "defaults: [/hydra/callbacks: mine]\nname: a\n",
        "defaults: ['/task@_global_.hydra: e2e']\nname: a\n",
        "defaults: [{'/decode@hydra': greedy}]\nname: a\n",
        "defaults: 5\nname: a\n",
        "defaults: [[e2e]]\nname: a\n",
        "defaults: [mine]\nname: a\n",
        f"name: a\nx: {CODE}\n",
    ],
)
def test_a_choice_says_nothing_of_hydra(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conf = directory(tmp_path, "task/mine.yaml", content)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError):
        compose(["task=mine"], config_dir=conf)
    assert not (tmp_path / "F").exists()


@pytest.mark.parametrize(
    "content",
    [
        "_target_: logging.FileHandler\nfilename: F\n",
        f"defaults: [submitit_slurm, _self_]\nx: {CODE}\n",
        f"defaults: [submitit_slurm, _self_]\nx: [{CODE}]\n",
        "defaults: [submitit_slurm, _self_]\nname: ${oc.env:HOME}\n",
        "defaults: [../sweeper/basic]\n",
        "defaults: [{/task: e2e}]\n",
        f"# @package _global_\ndefaults: [submitit_slurm]\nhydra: {{callbacks: {{x: {CODE}}}}}\n",
        "name: x\n",
        "",
    ],
)
def test_a_launcher_of_the_users_own_names_no_code(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = directory(tmp_path, "hydra/launcher/mine.yaml", content)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"mine\.yaml: "):
        launcher(["hydra/launcher=mine"], conf)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["conf"]


def test_words_of_yaml_are_taken_where_they_are_meant(tmp_path: Path) -> None:
    conf = directory(tmp_path, "variant/mine.yaml", "# @package _global_\ndata: {verify: off}\ntrain: {lr: 1e-4}\n")
    config = compose(["variant=mine"], config_dir=conf)
    assert (config.data.verify, config.train.lr) == ("off", 1e-4)


@pytest.mark.parametrize("content", ["name: no\nmetrics: e2e\n", "name: a\nmetrics: e2e\ndefault_words: yes\n"])
def test_a_word_that_yaml_reads_otherwise_is_to_be_quoted(content: str, tmp_path: Path) -> None:
    conf = directory(tmp_path, "task/mine.yaml", content)
    with pytest.raises(ConfigError, match="put the text in quotes"):
        compose(["task=mine"], config_dir=conf)
