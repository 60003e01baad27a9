"""Command lines that nobody should type: every key of the configuration and of the verbs with every hostile value.

Nothing is trained: a run ends once its data and model are prepared.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass

from prefixrun.cli.verbs import VERBS
from prefixrun.config.conf_tree import groups
from prefixrun.config.validate import known_keys
from scene import Scene

FILES = {
    "empty.txt": b"",
    "binary.bin": bytes(range(256)) * 9,
    "unreadable.txt": b"mine\n",
    "named\x1b[31m\u202e.txt": b"name[A], food[French]\n",
    "long.txt": b"x" * 1_000_000 + b"\n",
    "pointer.txt": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n",
    "object.json": b"{}",
    "deep.json": b"[" * 100_000,
}
"""What lies in the working directory of every command, beside a directory `folder` and a link `loop` to itself."""

RUN = ("model=tiny_gpt2", "init=random", "prefix_len=2", "train_size=8", "test_size=4", "train.warmup_steps=0")
"""Settings of a run that is prepared at once."""

VALUES = {
    "empty": "",
    "null": "null",
    "true": "true",
    "text": "abc",
    "half": "0.5",
    "list": "[1,2]",
    "map": "{a: 1}",
    "nan": "nan",
    "inf": "inf",
    "minus-inf": "-inf",
    "minus-one": "-1",
    "zero": "0",
    "tiny": "1e-320",
    "huge": "1e38",
    "huger": "1e308",
    "overflow": "1e400",
    "large": "99999999",
    "larger": "1" + "0" * 26,
    "digits": "9" * 5000,
    "minus-digits": "-" + "9" * 5000,
    "underscore": "1_0",
    "hex": "0x10",
    "percent": "999%",
    "long": "x" * 100_000,
    "long-quoted": "'" + "y" * 100_000 + "'",
    "many": ",".join("x" * 9 for _ in range(999)),
    "deep-list": "[" * 1000 + "]" * 1000,
    "deep-map": "{a:" * 1000 + "1" + "}" * 1000,
    "open": "[1,",
    "quote": "'a",
    "escape": "\x1b[31mred\x1b]0;title\x07",
    "bidi": "'\u202ea\u2066'",
    "newline": "'a\nb'",
    "tab": "'a\tb'",
    "surrogate": "'\udcff\udc80'",
    "environment": "${oc.env:HOME}",
    "key": "${seed}",
    "unset": "???",
    "target": "{_target_: logging.FileHandler, filename: written.txt}",
    "nested-target": "{a: {_target_: pathlib.Path.mkdir, self: written}}",
    "up": "../outside/mine.txt",
    "user": "~nosuchuser/x",
    "quoted-user": "'~nosuchuser/x'",
    "home": "'~/x'",
    "name-of-300": "n" * 300,
    "path-of-9000": "/".join(["d" * 99] * 90),
    "nothing": "nothing/there",
    "dot": ".",
    "loop": "loop",
    "loop-inside": "loop/x",
    "folder": "folder",
    "file-as-folder": "empty.txt/x",
    **{f"file-{name.rpartition('.')[0]}": name for name in FILES if name.isprintable()},
    "file-named": "'named\x1b[31m\u202e.txt'",
    "null-device": "/dev/null",
    "sweep": "1,2",
    "range": "range(0,10,0)",
    "choice": "choice()",
    "glob": "glob(*)",
    "equals": "a=b",
    "at": "a@b",
}
"""Name → value as it is typed."""

EACH = 12
"""Values that every key and every form gets, drawn by its name; len(VALUES) makes all pairs."""

DESTINATIONS = ("out", "json", "into", "results_dir")
"""Keys whose values say where to write: what is written there was asked for."""

_BASES: dict[str, tuple[str, ...]] = {
    "method.rank": ("method=lora",),
    "method.lora_alpha": ("method=lora", "method.rank=2"),
    "method.lora_dropout": ("method=lora", "method.rank=2"),
    "method.lora_modules": ("method=lora", "method.rank=2"),
    "method.bottleneck": ("method=adapter",),
    "method.adapter_form": ("method=adapter", "method.bottleneck=2"),
    "method.layers": ("method=finetune_top",),
    "method.train_embedding": ("method=finetune_top", "method.layers=1"),
    "method.instruction": ("method=prompt",),
    "method.shots": ("method=prompt", "method.instruction=a"),
    "method.mlp": ("method=embedding",),
    "init_words": ("init=words",),
    "init.default_words": ("init=words",),
    "task.default_words": ("init=words",),
    "init.fit_steps": ("init=zero",),
    "init.fit_lr": ("init=zero",),
    "model.hub": ("model=gpt2",),
    "model.revision": ("model=gpt2",),
    "model.path": ("model=path",),
}
"""Key → the choices under which it means something."""

_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "ls": ("results_dir=$TREE",),
    "tables": ("results_dir=$TREE",),
    "report": ("results_dir=$TREE",),
    "score": ("task=e2e", "hyp=long.txt"),
    "generate": ("run=$ID", "text=name[A]", "results_dir=$TREE"),
    "export": ("run=$ID", "out=$TREE/exported", "results_dir=$TREE"),
    "verify": ("$ID", "regenerate=1", "results_dir=$TREE"),
    "diff": ("$ID", "$OTHER", "results_dir=$TREE"),
    "keep": ("run=$ID", "into=$TREE", "results_dir=$TREE"),
    "data check": ("data_dir=folder",),
    "data download": ("task=e2e", "data_dir=folder", "source=nothing"),
    "plan": RUN,
    "params": ("model=tiny_gpt2", "method=prefix"),
    "reproduce": ("only_tables=true", "results_dir=$TREE"),
}
"""Verb → arguments that are right, of which one is replaced, or to which one is added."""

_EXCLUDE = {"generate": (("file", "text"), ("prefix", "run"), ("model", "run"))}
"""Verb → keys that take the place of another."""

_OWN_KEYS = {
    "ls": ("results_dir", "sort", "columns", "json", "id", "state", "train.lr", "BLEU"),
    "plan": ("json", "seed", "prefix_len", "model", "experiment", "train.lr"),
    "params": ("json", "prefix_len", "model", "budget", "method.rank"),
    "reproduce": ("only_tables", "results_dir", "data_dir", "profile", "experiment"),
}
"""Keys of the verbs that take overrides or filters."""

_FORMS: dict[str, tuple[str, ...]] = {
    "word": ("$VALUE",),
    "word-of-a-run": (*RUN, "$VALUE"),
    "key": (*RUN, "$VALUE=1"),
    "added-key": (*RUN, "+$VALUE=1"),
    "removed-key": (*RUN, "~$VALUE"),
    "package": (*RUN, "task@$VALUE=e2e"),
    "config-dir": ("--config-dir", "$VALUE", *RUN),
    "config-dir-of-a-plan": ("plan", "--config-dir", "$VALUE", *RUN),
    "config-name": ("--config-name", "$VALUE"),
    "cfg": ("--cfg", "$VALUE", *RUN),
    "info": ("--info", "$VALUE"),
    "package-option": ("--package", "$VALUE", *RUN),
    "launcher": (*RUN, "hydra/launcher=$VALUE", "-m"),
    "launcher-alone": (*RUN, "hydra/launcher=$VALUE"),
    "launcher-setting": (*RUN, "+hydra.launcher.x=$VALUE", "-m"),
    "hydra": (*RUN, "hydra.run.dir=$VALUE"),
    "added-hydra": (*RUN, "+hydra.callbacks=$VALUE"),
    "verify": ("verify", "$VALUE", "results_dir=$TREE"),
    "diff": ("diff", "$VALUE", "$ID", "results_dir=$TREE"),
    "second-of-diff": ("diff", "$ID", "$VALUE", "results_dir=$TREE"),
    "filter": ("ls", "$VALUE", "results_dir=$TREE"),
    "filter-key": ("ls", "$VALUE=1", "results_dir=$TREE"),
    "argument": ("tables", "$VALUE", "results_dir=$TREE"),
    "argument-key": ("tables", "$VALUE=1", "results_dir=$TREE"),
    "sweep": (*RUN, "seed=1,$VALUE", "-m"),
}
"""Where a hostile value may stand beside the values of keys."""


@dataclass(frozen=True, slots=True)
class LineCase:
    """One command line with one hostile value in it."""

    where: str
    value: str
    words: tuple[str, ...]
    """Where $VALUE stands for it, $ID and $OTHER for two runs, and $TREE for their results."""
    writes: bool = False
    """Whether the value says where to write."""

    @property
    def id(self) -> str:
        return f"{self.where}-{self.value}"

    def line(self, scene: Scene) -> list[str]:
        """The command in a scene."""
        return scene.filled(self.words, VALUE=VALUES[self.value])


def line_cases() -> Iterator[LineCase]:
    """All command lines: keys of a run, choices, keys of verbs, and everything else that can be typed."""
    leaves = [key for key, hint in known_keys().items() if not is_dataclass(hint)]
    for key in dict.fromkeys((*leaves, *known_keys(), *groups())):
        base = [*_BASES.get(key, ()), *(word for word in RUN if key != "budget" or not word.startswith("prefix_"))]
        taken = {word.partition("=")[0] for word in _BASES.get(key, ())} | {key}
        words = [word for word in base if word.partition("=")[0] not in taken] + [*_BASES.get(key, ()), f"{key}=$VALUE"]
        yield from _each(f"run-{key.replace('/', '.')}", tuple(dict.fromkeys(words)), key == "results_dir")
    for verb, about in VERBS.items():
        base_words = _ARGUMENTS.get(verb, ())
        for key in _OWN_KEYS.get(verb, (*about.required, *about.optional)):
            replaced = {key, *(other for mine, other in _EXCLUDE.get(verb, ()) if mine == key)}
            kept = [word for word in base_words if word.partition("=")[0] not in replaced]
            words = [*verb.split(), *kept, f"{key}=$VALUE"]
            yield from _each(f"{verb.replace(' ', '-')}-{key}", tuple(words), key in DESTINATIONS)
    for where, form in _FORMS.items():
        yield from _each(where, form, False)


def _each(where: str, words: tuple[str, ...], writes: bool) -> Iterator[LineCase]:
    chosen = random.Random(where).sample(sorted(VALUES), EACH)  # noqa: S311 - no secret
    for value in chosen:
        yield LineCase(where, value, words, writes)
