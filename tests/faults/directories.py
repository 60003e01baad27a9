"""Directories of others: corpora, configuration files, records, prefixes and outputs, damaged or hostile."""

import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from command_lines import RUN
from damages import (
    ANY_FILE,
    OF_FORM,
    TENSORS,
    WITH_CONTENT,
    Damage,
    of_rewrite,
    other_value,
)
from oracle import give
from prefixrun.data import SAMPLES
from scene import Scene
from tamper import WRONG

OWN_TASK = b'{"source": "dish : soup | main : leek", "references": ["A soup with leek ."]}\n'


def make_originals(root: Path, tree: Path) -> None:
    """One directory of each kind, as it should be."""
    shutil.copytree(SAMPLES, root / "corpora")
    for split in ("train", "dev", "test"):
        (root / "corpora" / "own").mkdir(exist_ok=True)
        (root / "corpora" / "own" / f"{split}.jsonl").write_bytes(OWN_TASK * 3)
    for group, content in _CONFIGURATION.items():
        (root / "conf" / group).mkdir(parents=True)
        (root / "conf" / group / "mine.yaml").write_text(content)
    (root / "records").mkdir()
    assert give(["keep", "run=all", f"results_dir={tree}", f"into={root / 'records'}"]).code == 0
    (root / "records" / "records").rename(root / "records" / "of-others")
    (root / "prefix").mkdir()
    run = next((root / "records" / "of-others").iterdir()).name.rpartition("-")[2]
    assert give(["export", f"run={run}", f"out={root / 'prefix' / 'mine'}", f"results_dir={tree}"]).code == 0
    (root / "outputs").mkdir()
    (root / "outputs" / "outputs.jsonl").write_bytes(b'{"output": "A soup ."}\n' * 3)
    (root / "outputs" / "outputs.txt").write_bytes(b"A soup .\n" * 3)
    (root / "outputs" / "refs.json").write_bytes(b'[["A soup ."], ["A soup ."], ["A soup ."]]')


_CONFIGURATION = {
    "task": "name: own\nmetrics: e2e\ndefault_words: Write a sentence\n",
    "recipe": "# @package _global_\nrecipe: mine\ntrain: {lr: 1e-3, epochs: 1}\n",
    "decode": "name: mine\nbeams: 1\nlength_norm: total\nban_newlines: true\nbatch_size: 2\n",
    "model": "name: mine\nsource: random\narchitecture: tiny_gpt2\n",
    "experiment": "title: mine\nquick:\n  every: {task: e2e, model: tiny_gpt2}\n  grid:\n    - {seed: [1, 2]}\n",
    "hydra/launcher": "n_jobs: 2\n",
}

_OWN = ("task=own", "data_dir=$DIR/corpora", "data.verify=off", "--config-dir", "$DIR/conf", "model=tiny_gpt2")
_SCORE = ("score", "task=e2e", "refs=$DIR/outputs/refs.json", "bootstrap=100")
FILES: dict[str, tuple[tuple[str, ...], ...]] = {
    **dict.fromkeys(
        ("corpora/e2e/trainset.csv", "corpora/e2e/testset_w_refs.csv"),
        ((*RUN, "data_dir=$DIR/corpora", "data.verify=off"), ("data", "check", "task=e2e", "data_dir=$DIR/corpora")),
    ),
    "corpora/own/train.jsonl": (_OWN, ("data", "check", "task=own", "data_dir=$DIR/corpora")),
    "corpora/dart/dart-v1.1.1-full-test.json": (("data", "check", "task=dart", "data_dir=$DIR/corpora"),),
    "corpora/webnlg/dev/1triples/1triples_Airport_dev.xml": (
        ("data", "check", "task=webnlg", "data_dir=$DIR/corpora"),
    ),
    "conf/task/mine.yaml": ((*_OWN[1:], "task=mine"), ("plan", "--config-dir", "$DIR/conf", *RUN, "task=mine")),
    **{
        f"conf/{group}/mine.yaml": ((*RUN, "--config-dir", "$DIR/conf", f"{group}=mine"),)
        for group in ("recipe", "decode", "model")
    },
    "conf/experiment/mine.yaml": (("plan", "--config-dir", "$DIR/conf", "experiment=mine"),),
    "conf/hydra/launcher/mine.yaml": ((*RUN, "--config-dir", "$DIR/conf", "hydra/launcher=mine", "-m"),),
    **{
        f"records/{name}": (
            *((verb, "results_dir=$TREE") for verb in ("ls", "tables", "report")),
            *((*words, "results_dir=$TREE") for words in (("diff", "$ID", "$OTHER"), ("verify", "$ID"))),
        )
        for name in ("result.json", "outputs.jsonl.gz", "stats.parquet")
    },
    "prefix/mine": (("generate", "prefix=$DIR/prefix/mine", "model=tiny_gpt2", "text=a"),),
    "outputs/outputs.jsonl": ((*_SCORE, "hyp=$DIR/outputs/outputs.jsonl"),),
    "outputs/outputs.txt": (
        (*_SCORE, "hyp=$DIR/outputs/outputs.txt"),
        ("generate", "run=$ID", "file=$DIR/outputs/outputs.txt", "results_dir=$TREE"),
    ),
    "outputs/refs.json": ((*_SCORE, "hyp=$DIR/outputs/outputs.txt"),),
}
"""File of a directory → the commands that meet it; $DIR is the place of all, $TREE that of results."""


def _text(content: str | bytes) -> Damage:
    return of_rewrite(lambda _data, _rng: content.encode() if isinstance(content, str) else content)


_YAML: dict[str, Damage] = {
    "list": _text("- a\n- b\n"),
    "word": _text("abc"),
    "number": _text("3"),
    "tab": _text("a:\n\t- b\n"),
    "latin-1": _text(b"name: caf\xe9\n"),
    "nul": _text(b"name: \x00\n"),
    "escape": _text('name: "\\e[31m\\u202e"\n'),
    "alias-loop": _text("a: &a [*a]\n"),
    "alias-bomb": _text("a0: &a0 [x,x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1},*a{n - 1}]\n" for n in range(1, 40))),
    "deep": _text("[" * 5000),
    "deep-map": _text("".join(" " * n + "a:\n" for n in range(900))),
    "python": _text("name: !!python/object/apply:os.mkdir [written]\n"),
    "target": _text("_target_: logging.FileHandler\nfilename: written.txt\n"),
    "inner-target": _text("a:\n  _target_: pathlib.Path.mkdir\n  self: written\n"),
    "environment": _text("name: ${oc.env:HOME}\n"),
    "resolver": _text("name: ${oc.decode:'1'}\n"),
    "unknown-key": _text("nonsense: 1\n"),
    "defaults-loop": _text("defaults:\n  - mine\nname: own\n"),
    "defaults-outside": _text("defaults:\n  - ../../../outside/mine\nname: own\n"),
    "defaults-of-a-number": _text("defaults: 3\n"),
    "package": _text("# @package hydra.run\ndir: written\n"),
    "global": _text("# @package _global_\nhydra: {run: {dir: written}, callbacks: {a: {_target_: os.mkdir}}}\n"),
    "digits": _text(f"name: {'9' * 6000}\n"),
    "long": _text(f"name: {'x' * 100_000}\n"),
    "up": _text("name: ../../outside/x\n"),
    "bool-name": _text("name: no\nmetrics: e2e\n"),
    "date": _text("name: 2020-01-01\n"),
    "huge-grid": _text(
        "title: a\nquick:\n  grid:\n    - {" + ", ".join(f"train.k{n}: [1,2,3,4,5,6,7,8,9]" for n in range(9)) + "}\n"
    ),
}
_ROWS: dict[str, Damage] = {
    "empty-reference": _text('{"source": "a", "references": [""]}\n'),
    "no-reference": _text('{"source": "a", "references": []}\n'),
    "number-as-source": _text('{"source": 3, "references": ["b"]}\n'),
    "long-source": _text('{"source": "' + "x" * 100_000 + '", "references": ["b"]}\n'),
    "control-characters": _text('{"source": "\\u001b[31m\\u202e", "references": ["\\u001b]0;a\\u0007"]}\n'),
    "half-a-character": _text('{"source": "\\ud800", "references": ["b"]}\n'),
    "windows": _text('{"source": "a", "references": ["b"]}\r\n'),
    "a-long-id-twice": _text(('{"id": "' + "x" * 9_000 + '", "source": "a", "references": ["b"]}\n') * 2),
    "a-long-key": _text('{"' + "x" * 9_000 + '": 1}\n'),
}

SPECIAL: dict[str, dict[str, Damage]] = {
    "corpora/own/train.jsonl": _ROWS,
    "corpora/e2e/trainset.csv": {
        "a-long-header": _text("x" * 9_000 + ",ref\na,b\n"),
        "a-long-column-twice": _text(f"{'x' * 9_000},{'x' * 9_000}\na,b\n"),
        "a-long-field": _text(f"mr,ref\n{'x' * 9_000}[A],b\n"),
        "a-long-row": _text(f'mr,ref\n"name[{"x" * 100_000}]",b\n'),
        "more-columns": _text("mr,ref\n" + "a," * 9_000 + "b\n"),
    },
    "records/result.json": WRONG["result.json"] | {f"any-value{n}": of_rewrite(other_value) for n in range(1, 21)},
    "records/stats.parquet": WRONG["stats.parquet"],
    **{file: _YAML for file in FILES if file.endswith(".yaml")},
    "prefix/mine": TENSORS,
    "outputs/refs.json": {
        "empty-references": _text('[[""], [""], [""]]'),
        "no-references": _text("[[], [], []]"),
        "numbers": _text("[[1], [2], [3]]"),
        "too-few": _text('[["A soup ."]]'),
        "maps": _text('[{"a": 1}, {"a": 1}, {"a": 1}]'),
    },
    "outputs/outputs.jsonl": {
        "numbers": _text('{"output": 3}\n' * 3),
        "escape": _text('{"output": "\\u001b[31m"}\n' * 3),
        "half-a-character": _text('{"output": "\\ud800"}\n' * 3),
        "long": _text('{"output": "' + "x" * 100_000 + '"}\n' * 3),
        "ids-twice": _text('{"id": "a", "output": "b"}\n' * 3),
    },
    "outputs/outputs.txt": {
        "long": _text("x" * 100_000 + "\n"),
        "escape": _text("\x1b[31m\u202e\n" * 3),
        "windows": _text("A soup .\r\n" * 3),
        "nul": _text(b"a\x00b\n" * 3),
    },
}
"""File → damages of its own."""

GENERIC_EACH = 12
"""Damages of every file that are not its own, drawn by its name."""


@dataclass(frozen=True, slots=True)
class DirectoryCase:
    """One damage to a file of a directory of others, and the command that meets it."""

    file: str
    damage: str
    words: tuple[str, ...]

    @property
    def id(self) -> str:
        verb = "-".join(word for word in self.words[:2] if word.isalpha()) or "run"
        return f"{self.file.replace('/', '.')}-{self.damage}-{verb}"

    @property
    def kinds(self) -> set[str]:
        """The directories that the command reads, and that of the file."""
        read = {word.partition("$DIR/")[2].partition("/")[0] for word in self.words if "$DIR/" in word}
        return {self.file.partition("/")[0], *read}

    def apply(self, scene: Scene, directory: Path) -> None:
        """Damage the file in the place of all directories; a record takes the place of its run first."""
        path = directory / self.file
        if self.file.startswith("records/"):
            path = scene.tree / "records" / scene.run.name / path.name
            shutil.copytree(directory / "records" / "of-others" / scene.run.name, path.parent)
            shutil.rmtree(scene.run)
        rng = random.Random(self.id)  # noqa: S311 - no secret
        directory_damages(self.file)[self.damage](path, scene, rng)

    def line(self, scene: Scene, directory: Path) -> list[str]:
        """The command."""
        return scene.filled(self.words, DIR=str(directory))


def directory_damages(file: str) -> dict[str, Damage]:
    """Name → every damage to a file."""
    return ANY_FILE | WITH_CONTENT | OF_FORM.get(os.path.splitext(file)[1], {}) | SPECIAL.get(file, {})


def directory_cases() -> Iterator[DirectoryCase]:
    """Every damage of a file's own, and some of those that any file can have."""
    for file, commands in FILES.items():
        own = SPECIAL.get(file, {})
        others = sorted(directory_damages(file).keys() - own.keys())
        drawn = random.Random(file).sample(others, GENERIC_EACH)  # noqa: S311 - no secret
        for words in commands:
            yield from (DirectoryCase(file, damage, words) for damage in (*own, *drawn))
