"""Everything that can happen to a file of a run: the moments at which it stopped, their files, and what became of them.

A case is one damage to one file at one moment, and the verb that then meets it. Its name gives its random numbers.
"""

import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from damages import (
    ANY_DIRECTORY,
    ANY_FILE,
    OF_FORM,
    TENSORS,
    WITH_CONTENT,
    Damage,
    of_first,
    of_json,
    of_lines,
    of_rewrite,
    of_table,
    of_tensors,
    put,
)
from scene import SETTINGS, Scene

ALWAYS = ("config.json", "subset.json", "manifest.json", "run.log", ".lock")
TRAINED = ("prefix.safetensors", "costs.json")
_OLDER, _NEWER = "step-00000001.safetensors", "step-00000002.safetensors"
FILES = {
    "training": (
        *ALWAYS,
        "holder.json",
        "checkpoints/checkpoints.json",
        f"checkpoints/{_OLDER}",
        f"checkpoints/{_NEWER}",
    ),
    "trained": (*ALWAYS, "holder.json", *TRAINED),
    "decoding": (*ALWAYS, "holder.json", *TRAINED, "generations.jsonl"),
    "scored": (*ALWAYS, "holder.json", *TRAINED, "generations.jsonl", "stats.parquet"),
    "finished": (*ALWAYS, *TRAINED, "generations.jsonl", "stats.parquet", "result.json"),
}
"""Moment → the files of a run that was stopped then."""

DIRECTORIES = {"training": ("checkpoints", "."), "decoding": (".",), "finished": (".",)}
"""The same of directories; the point is the run's own."""

VERBS = ("ls", "verify", "tables", "report", "generate", "export", "diff", "keep", "inspect")
"""What may be asked of a damaged run, beside running it again."""

VERBS_EACH = {"training": 0, "trained": 0, "decoding": 1, "scored": 0, "finished": 3}
"""Moment → how many verbs meet each damage, drawn by its name; len(VERBS) makes all pairs."""


_LENGTH = 3
"""The dimension of a stored prefix that counts its positions."""


def _of_another_run(path: Path, scene: Scene, _rng: random.Random) -> None:
    (other,) = scene.tree.glob(f"runs/*-{scene.others[0]}")
    shutil.copy(other / path.name, path)


WRONG: dict[str, dict[str, Damage]] = {
    "config.json": {
        "another-id": of_json(put("0" * 12, "run_id")),
        "another-seed": of_json(put(7, "identity", "settings", "seed")),
        "another-model": of_json(put("random:tiny_llama", "identity", "model")),
        "another-form": of_json(put(99, "schema_version")),
        "another-run": _of_another_run,
    },
    "subset.json": {
        "another-order": of_json(lambda value: value["train"]["ids"].reverse()),
        "another-pair": of_json(put("train-00001.0", "train", "ids", 0)),
        "one-twice": of_json(lambda value: value["train"]["ids"].append(value["train"]["ids"][0])),
        "one-less": of_json(lambda value: value["train"]["ids"].pop()),
        "another-count": of_json(put(7, "train", "chosen")),
        "another-size": of_json(put(7, "train", "available")),
        "all-pairs": of_json(lambda value: value["dev"].pop("ids")),
    },
    "manifest.json": {
        "another-digest": of_json(put("0" * 64, "files", "subset.json", "sha256")),
        "another-stage": of_json(put("scoring", "files", "subset.json", "stage")),
        "one-file-less": of_json(lambda value: value["files"].pop("subset.json") and None),
        "no-files": of_json(put({}, "files")),
        "a-file-outside": of_json(lambda value: value["files"].update({"../../../outside/mine.txt": {}})),
        "another-id": of_json(put("0" * 12, "run_id")),
        "another-form": of_json(put(99, "schema_version")),
        "another-run": _of_another_run,
    },
    "checkpoints/checkpoints.json": {
        "another-step": of_json(put(1, "files", _NEWER, "notes", "step")),
        "a-later-step": of_json(put(4, "files", _NEWER, "notes", "step")),
        "a-negative-step": of_json(put(-3, "files", _NEWER, "notes", "step")),
        "a-step-of-text": of_json(put("2", "files", _NEWER, "notes", "step")),
        "no-values": of_json(put({}, "files", _NEWER, "notes", "values")),
        "one-value-more": of_json(put(1, "files", _NEWER, "notes", "values", "more")),
        "no-history": of_json(put([], "files", _NEWER, "notes", "values", "history")),
        "the-older-alone": of_json(lambda value: value["files"].pop(_NEWER) and None),
        "the-newer-alone": of_json(lambda value: value["files"].pop(_OLDER) and None),
        "none": of_json(put({}, "files")),
        "the-older-one-twice": of_json(lambda value: value["files"].update({_NEWER: value["files"][_OLDER]})),
        "a-file-outside": of_json(lambda value: value["files"].update({"../../../../outside/mine.txt": {}})),
        "another-id": of_json(put("0" * 12, "run_id")),
    },
    f"checkpoints/{_OLDER}": TENSORS,
    f"checkpoints/{_NEWER}": TENSORS,
    "prefix.safetensors": {
        **TENSORS,
        "another-length": of_first(lambda tensor: tensor.narrow(_LENGTH, 0, 1)),
        "another-site": of_tensors(lambda tensors: {"encoder": next(iter(tensors.values()))}),
        "another-run": _of_another_run,
    },
    "costs.json": {
        "another-count": of_json(put(lambda count: count + 1, "training", "pair_tokens")),
        "another-step": of_json(put(3, "training", "step")),
        "another-size": of_json(put(lambda count: count * 2, "parameters", "stored")),
        "text-for-a-number": of_json(put("1", "training", "pair_tokens")),
        "a-negative-time": of_json(put(-1.0, "training", "seconds")),
        "no-history": of_json(put([], "training", "history")),
        "one-key-more": of_json(lambda value: value.update(more=1)),
        "another-run": _of_another_run,
    },
    "generations.jsonl": {
        "another-letter": of_lines(put(lambda text: text + "e", 0, "output")),
        "another-input": of_lines(put("name[B]", 0, "source")),
        "another-reference": of_lines(put(["B ."], 0, "references")),
        "no-reference": of_lines(put([], 0, "references")),
        "another-id": of_lines(put("test-99999", 0, "id")),
        "one-twice": of_lines(lambda records: [*records, records[0]]),
        "one-twice-with-another-output": of_lines(lambda records: [*records, {**records[0], "output": "no"}]),
        "the-ids-of-others": of_lines(
            lambda records: records[0].update(id=records[1]["id"]) or records[1].update(id=records[0]["id"])
        ),
        "one-less": of_lines(lambda records: records[1:]),
        "another-order": of_lines(lambda records: records[::-1]),
        "a-number-for-an-output": of_lines(put(3, 0, "output")),
        "null-for-an-output": of_lines(put(None, 0, "output")),
        "no-id": of_lines(lambda records: records[0].pop("id") and None),
        "a-number-for-an-id": of_lines(put(3, 0, "id")),
        "one-key-more": of_lines(lambda records: records[0].update(more=1)),
        "an-empty-line": of_rewrite(lambda data, _: b"\n" + data),
        "line-ends-of-windows": of_rewrite(lambda data, _: data.replace(b"\n", b"\r\n")),
    },
    "stats.parquet": {
        "another-count": of_table(lambda table: table.assign(**{table.columns[-1]: 1.0})),
        "no-number": of_table(lambda table: table.assign(**{table.columns[-1]: float("nan")})),
        "text": of_table(lambda table: table.assign(**{table.columns[-1]: "1"})),
        "another-id": of_table(lambda table: table.assign(id=[f"x{index}" for index in range(len(table))])),
        "one-less": of_table(lambda table: table[1:]),
        "one-twice": of_table(lambda table: pd.concat([table, table[:1]])),
        "no-rows": of_table(lambda table: table[:0]),
        "no-id": of_table(lambda table: table.drop(columns="id")),
        "no-counts": of_table(lambda table: table[["id"]]),
        "another-order": of_table(lambda table: table[::-1]),
        "control-characters": of_table(lambda table: table.rename(columns={table.columns[-1]: "\x1b[31m\u202e"})),
    },
    "result.json": {
        "another-score": of_json(put(99.0, "scores", "BLEU", "value")),
        "a-score-of-another-kind": of_json(put("99", "scores", "BLEU", "value")),
        "no-scores": of_json(put({}, "scores")),
        "another-id": of_json(put("0" * 12, "run_id")),
        "another-task": of_json(put("dart", "task")),
        "another-model": of_json(put("smollm2_135m", "model")),
        "another-method": of_json(put("lora", "method")),
        "another-seed": of_json(put(7, "seed")),
        "another-count": of_json(put(3, "n_inputs")),
        "no-inputs": of_json(put(0, "n_inputs")),
        "another-setting": of_json(put(0.5, "settings", "train", "lr")),
        "another-form": of_json(put(99, "schema_version")),
        "a-negative-time": of_json(put(-1.0, "costs", "train_seconds")),
        "a-huge-time": of_json(put(1e308, "costs", "decode_seconds")),
        "provenance-of-a-list": of_json(put([], "provenance")),
        "another-run": _of_another_run,
    },
    "holder.json": {
        "another-host": of_json(put("elsewhere", "host")),
        "a-negative-process": of_json(put(-1, "pid")),
        "control-characters": of_json(put("\x1b[31m\u202e", "host")),
    },
}
"""File → damages that leave a file of the right form with wrong content."""

_TRAINED_WRONG = {("prefix.safetensors", name) for name in (*WRONG["prefix.safetensors"], "flip1", "flip2", "flip3")}
NOTICED = {
    "verify": _TRAINED_WRONG
    | {("result.json", name) for name in ("another-score", "no-scores", "another-task", "another-count")}
    | {
        ("generations.jsonl", name)
        for name in (
            *("another-letter", "another-input", "another-reference", "another-id", "the-ids-of-others", "one-less"),
            *("no-id", "a-number-for-an-output", "one-twice-with-another-output"),
        )
    },
    "generate": _TRAINED_WRONG,
    "export": _TRAINED_WRONG,
    "inspect": _TRAINED_WRONG,
}
"""Verb → damages to a finished run that it must not pass over."""


@dataclass(frozen=True, slots=True)
class TamperCase:
    """One damage to one file of a run that was stopped at a moment, and the verb that meets it."""

    moment: str
    file: str
    damage: str
    verb: str

    @property
    def id(self) -> str:
        return f"{self.moment}-{self.file.rpartition('/')[2]}-{self.damage}-{self.verb}"

    @property
    def is_noticed(self) -> bool:
        """Whether the verb must not end well."""
        return self.moment == "finished" and (self.file, self.damage) in NOTICED.get(self.verb, ())

    def apply(self, scene: Scene) -> None:
        """Damage the file."""
        damages = damages_of(self.file, is_directory=self.file in DIRECTORIES.get(self.moment, ()))
        rng = random.Random(f"{self.file}-{self.damage}")  # noqa: S311 - no secret
        damages[self.damage](scene.run / self.file, scene, rng)

    def words(self, scene: Scene) -> list[str]:
        """The command."""
        words = {
            "resume": [*SETTINGS, "seed=1"],
            "generate": ["generate", "run=$ID", "text=name[A], food[French]"],
            "export": ["export", "run=$ID", "out=$TREE/exported"],
            "verify": ["verify", "$ID"],
            "diff": ["diff", "$ID", "$OTHER"],
            "keep": ["keep", "run=$ID"],
            "inspect": ["inspect", "run=$ID", "examples=1", "vocabulary=20"],
        }
        return scene.filled([*words.get(self.verb, [self.verb]), "results_dir=$TREE"])


def damages_of(file: str, *, is_directory: bool = False) -> dict[str, Damage]:
    """Name → every damage to a file."""
    if is_directory:
        return ANY_DIRECTORY
    if file == ".lock":  # empty
        return ANY_FILE
    return ANY_FILE | WITH_CONTENT | OF_FORM.get(os.path.splitext(file)[1], {}) | WRONG.get(file, {})


def tamper_cases() -> Iterator[TamperCase]:
    """Every damage met by the run's own command, and for a finished run by verify and some other verbs."""
    for moment, files in FILES.items():
        directories = DIRECTORIES.get(moment, ())
        for file in (*files, *directories):
            for damage in damages_of(file, is_directory=file in directories):
                yield TamperCase(moment, file, damage, "resume")
                drawn = random.Random(f"{file}-{damage}").sample(VERBS, VERBS_EACH[moment])  # noqa: S311 - no secret
                always = ("verify",) if moment == "finished" else ()
                yield from (TamperCase(moment, file, damage, verb) for verb in dict.fromkeys((*always, *drawn)))
