"""Everything that can happen to a file of a run: the moments at which it stopped, their files, and what became of them.

A case is one damage to one file at one moment, and the verb that then meets it. Its name gives its random numbers.
"""

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors.torch import load_file, save_file

from prefixrun.files import read_json, write_json
from scene import SETTINGS, Scene

ALWAYS = ("config.json", "subset.json", "run.log", ".lock")
TRAINED = ("prefix.safetensors", "costs.json")
FILES = {
    "training": (
        *ALWAYS,
        "holder.json",
        "checkpoints/checkpoints.json",
        "checkpoints/step-00000001.safetensors",
        "checkpoints/step-00000002.safetensors",
    ),
    "trained": (*ALWAYS, "holder.json", *TRAINED),
    "decoding": (*ALWAYS, "holder.json", *TRAINED, "generations.jsonl"),
    "scored": (*ALWAYS, "holder.json", *TRAINED, "generations.jsonl", "stats.parquet"),
    "finished": (*ALWAYS, *TRAINED, "generations.jsonl", "stats.parquet", "result.json"),
}
"""Moment → the files of a run that was stopped then."""

DIRECTORIES = {"training": ("checkpoints", "."), "decoding": (".",), "finished": (".",)}
"""The same of directories; the point is the run's own."""

VERBS = ("ls", "verify", "tables", "report", "generate", "export", "diff", "keep")
"""What may be asked of a damaged run, beside running it again."""

VERBS_EACH = {"training": 0, "trained": 0, "decoding": 1, "scored": 0, "finished": 3}
"""Moment → how many verbs meet each damage, drawn by its name; len(VERBS) makes all pairs."""


Damage = Callable[[Path, Scene, random.Random], None]


def _rewrite(change: Callable[[bytes, random.Random], bytes]) -> Damage:
    return lambda path, _scene, rng: path.write_bytes(change(path.read_bytes(), rng)) and None


def _flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _missing(path: Path, _scene: Scene, _rng: random.Random) -> None:
    _remove(path)


def _directory(path: Path, _scene: Scene, _rng: random.Random) -> None:
    _remove(path)
    path.mkdir()
    (path / "mine.txt").write_text("mine")


def _file(path: Path, _scene: Scene, _rng: random.Random) -> None:
    _remove(path)
    path.write_text("mine")


def _link(path: Path, scene: Scene, _rng: random.Random) -> None:
    shutil.move(path, scene.outside / "moved")
    path.symlink_to(scene.outside / "moved")


def _dangling(path: Path, scene: Scene, _rng: random.Random) -> None:
    _remove(path)
    path.symlink_to(scene.outside / "nothing")


def _loop(path: Path, _scene: Scene, _rng: random.Random) -> None:
    _remove(path)
    path.symlink_to(path.name)


def _unreadable(path: Path, _scene: Scene, _rng: random.Random) -> None:
    path.chmod(0)


ANY_FILE: dict[str, Damage] = {
    "missing": _missing,
    "directory": _directory,
    "link": _link,
    "dangling": _dangling,
    "loop": _loop,
    "unreadable": _unreadable,
    "appended": _rewrite(lambda data, rng: data + rng.randbytes(40)),
}
WITH_CONTENT: dict[str, Damage] = {
    "half": _rewrite(lambda data, _: data[: len(data) // 2]),
    "cut": _rewrite(lambda data, _: data[:-1]),
    "empty": _rewrite(lambda _data, _: b""),
    "noise": _rewrite(lambda data, rng: rng.randbytes(len(data))),
    "zeros": _rewrite(lambda data, _: bytes(len(data))),
    **{f"flip{number}": _rewrite(_flip) for number in range(1, 4)},
}
ANY_DIRECTORY = {name: ANY_FILE[name] for name in ("missing", "link", "dangling", "loop", "unreadable")} | {
    "file": _file
}

HOSTILE_JSON: tuple[Any, ...] = (
    *(None, True, -1, 0, 3, 0.5, 1e308, 10**200, "", "3", "../../outside/mine.txt", "\x1b[31m", "\u202e"),
    *([], [1], [[]], {}, {"a": None}, "x" * 100_000),
)


def _inner(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container within a JSON value with a key of it."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _inner(value[key])


def _other_value(data: bytes, rng: random.Random) -> bytes:
    """One value of a JSON text replaced by one that does not belong there."""
    value = json.loads(data)
    container, key = rng.choice(list(_inner(value)))
    container[key] = rng.choice([hostile for hostile in HOSTILE_JSON if hostile != container[key]])
    return json.dumps(value).encode()


def _without_a_key(data: bytes, rng: random.Random) -> bytes:
    value = json.loads(data)
    container, key = rng.choice(list(_inner(value)))
    del container[key]
    return json.dumps(value).encode()


def _in_one_line(change: Callable[[bytes, random.Random], bytes]) -> Callable[[bytes, random.Random], bytes]:
    def changed(data: bytes, rng: random.Random) -> bytes:
        lines = data.splitlines()
        index = rng.randrange(len(lines))
        lines[index] = change(lines[index], rng)
        return b"".join(line + b"\n" for line in lines)

    return changed


_JSON: dict[str, Callable[[bytes, random.Random], bytes]] = {
    **{f"value{number}": _other_value for number in range(1, 6)},
    **{f"key{number}": _without_a_key for number in range(1, 4)},
    "list": lambda _data, _: b"[]",
    "null": lambda _data, _: b"null",
    "nan": lambda _data, _: b'{"a": NaN}',
    "deep": lambda _data, _: b"[" * 100_000 + b"]" * 100_000,
    "digits": lambda _data, _: b"9" * 10_000,
    "half-a-character": lambda _data, _: b'{"a": "\\ud800"}',
    "latin-1": lambda _data, _: b'{"a": "\xe9"}',
}
OF_FORM: dict[str, dict[str, Damage]] = {
    ".json": {name: _rewrite(change) for name, change in _JSON.items()},
    ".jsonl": {name: _rewrite(_in_one_line(change)) for name, change in _JSON.items()},
}
"""Ending of a file → damages that keep its form."""


def _json(change: Callable[[Any], Any]) -> Damage:
    """`change` alters the value in place, or returns another."""

    def damage(path: Path, _scene: Scene, _rng: random.Random) -> None:
        value = read_json(path)
        changed = change(value)
        write_json(path, value if changed is None else changed)

    return damage


def _lines(change: Callable[[list[dict[str, Any]]], Any]) -> Damage:
    def damage(path: Path, _scene: Scene, _rng: random.Random) -> None:
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        changed = change(records)
        lines = [json.dumps(record) + "\n" for record in (records if changed is None else changed)]
        path.write_text("".join(lines), encoding="utf-8")

    return damage


def _tensors(change: Callable[[dict[str, torch.Tensor]], Any]) -> Damage:
    def damage(path: Path, _scene: Scene, _rng: random.Random) -> None:
        tensors = load_file(path)
        changed = change(tensors)
        kept = tensors if changed is None else changed
        save_file({name: tensor.contiguous() for name, tensor in kept.items()}, path)

    return damage


def _table(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Damage:
    return lambda path, _scene, _rng: change(pd.read_parquet(path)).to_parquet(path, index=False)


def _of_another_run(path: Path, scene: Scene, _rng: random.Random) -> None:
    (other,) = scene.tree.glob(f"runs/*-{scene.others[0]}")
    shutil.copy(other / path.relative_to(scene.run), path)


def _set(value: Any, *keys: Any) -> Callable[[Any], None]:
    def change(tree: Any) -> None:
        for key in keys[:-1]:
            tree = tree[key]
        tree[keys[-1]] = value(tree[keys[-1]]) if callable(value) else value

    return change


def _first(change: Callable[[torch.Tensor], torch.Tensor]) -> Damage:
    def altered(tensors: dict[str, torch.Tensor]) -> None:
        name = sorted(tensors)[0]
        tensors[name] = change(tensors[name])

    return _tensors(altered)


def _one(number: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def change(tensor: torch.Tensor) -> torch.Tensor:
        tensor.view(-1)[0] = number
        return tensor

    return change


_LENGTH = 3
"""The dimension of a stored prefix that counts its positions."""

_TENSORS: dict[str, Damage] = {
    "one-nan": _first(_one(float("nan"))),
    "one-infinity": _first(_one(float("inf"))),
    "one-number": _first(_one(0.125)),
    "another-type": _first(lambda tensor: tensor.to(torch.float16)),
    "whole-numbers": _first(lambda tensor: tensor.to(torch.int32)),
    "flat": _first(lambda tensor: tensor.flatten()),
    "shorter": _first(lambda tensor: tensor[..., :-1]),
    "half-of-it": _first(lambda tensor: tensor[: len(tensor) // 2]),
    "no-tensor": _tensors(lambda _: {}),
    "one-more": _tensors(lambda tensors: tensors.update(more=torch.zeros(2))),
    "another-name": _tensors(lambda tensors: {f"{name}x": tensor for name, tensor in tensors.items()}),
}

WRONG: dict[str, dict[str, Damage]] = {
    "config.json": {
        "another-id": _json(_set("0" * 12, "run_id")),
        "another-seed": _json(_set(7, "identity", "settings", "seed")),
        "another-model": _json(_set("random:tiny_llama", "identity", "model")),
        "another-form": _json(_set(99, "schema_version")),
        "another-run": _of_another_run,
    },
    "subset.json": {
        "another-order": _json(lambda value: value["train"]["ids"].reverse()),
        "another-pair": _json(_set("train-00001.0", "train", "ids", 0)),
        "one-twice": _json(lambda value: value["train"]["ids"].append(value["train"]["ids"][0])),
        "one-less": _json(lambda value: value["train"]["ids"].pop()),
        "another-count": _json(_set(7, "train", "chosen")),
        "another-size": _json(_set(7, "train", "available")),
        "all-pairs": _json(lambda value: value["dev"].pop("ids")),
    },
    "checkpoints/checkpoints.json": {
        "another-step": _json(_set(1, -1, "step")),
        "a-later-step": _json(_set(4, -1, "step")),
        "a-negative-step": _json(_set(-3, -1, "step")),
        "a-step-of-text": _json(_set("2", -1, "step")),
        "no-values": _json(_set({}, -1, "values")),
        "another-order": _json(lambda value: value[::-1]),
        "the-older-alone": _json(lambda value: value[:1]),
        "the-newer-alone": _json(lambda value: value[1:]),
        "none": _json(lambda _: []),
        "the-older-file": _json(lambda value: value[-1].update(file=value[0]["file"], sha256=value[0]["sha256"])),
        "a-file-outside": _json(_set("../../../../outside/mine.txt", -1, "file")),
        "one-key-more": _json(lambda value: value[-1]["values"].update(more=1)),
    },
    "checkpoints/step-00000001.safetensors": _TENSORS,
    "checkpoints/step-00000002.safetensors": _TENSORS,
    "prefix.safetensors": {
        **_TENSORS,
        "another-length": _first(lambda tensor: tensor.narrow(_LENGTH, 0, 1)),
        "another-site": _tensors(lambda tensors: {"encoder": next(iter(tensors.values()))}),
        "another-run": _of_another_run,
    },
    "costs.json": {
        "another-count": _json(_set(lambda count: count + 1, "training", "pair_tokens")),
        "another-step": _json(_set(3, "training", "step")),
        "another-size": _json(_set(lambda count: count * 2, "parameters", "stored")),
        "text-for-a-number": _json(_set("1", "training", "pair_tokens")),
        "a-negative-time": _json(_set(-1.0, "training", "seconds")),
        "no-history": _json(_set([], "training", "history")),
        "one-key-more": _json(lambda value: value.update(more=1)),
        "another-run": _of_another_run,
    },
    "generations.jsonl": {
        "another-letter": _lines(_set(lambda text: text + "e", 0, "output")),
        "another-input": _lines(_set("name[B]", 0, "source")),
        "another-reference": _lines(_set(["B ."], 0, "references")),
        "no-reference": _lines(_set([], 0, "references")),
        "another-id": _lines(_set("test-99999", 0, "id")),
        "one-twice": _lines(lambda records: [*records, records[0]]),
        "one-twice-with-another-output": _lines(lambda records: [*records, {**records[0], "output": "no"}]),
        "the-ids-of-others": _lines(
            lambda records: records[0].update(id=records[1]["id"]) or records[1].update(id=records[0]["id"])
        ),
        "one-less": _lines(lambda records: records[1:]),
        "another-order": _lines(lambda records: records[::-1]),
        "a-number-for-an-output": _lines(_set(3, 0, "output")),
        "null-for-an-output": _lines(_set(None, 0, "output")),
        "no-id": _lines(lambda records: records[0].pop("id") and None),
        "a-number-for-an-id": _lines(_set(3, 0, "id")),
        "one-key-more": _lines(lambda records: records[0].update(more=1)),
        "an-empty-line": _rewrite(lambda data, _: b"\n" + data),
        "line-ends-of-windows": _rewrite(lambda data, _: data.replace(b"\n", b"\r\n")),
    },
    "stats.parquet": {
        "another-count": _table(lambda table: table.assign(**{table.columns[-1]: 1.0})),
        "no-number": _table(lambda table: table.assign(**{table.columns[-1]: float("nan")})),
        "text": _table(lambda table: table.assign(**{table.columns[-1]: "1"})),
        "another-id": _table(lambda table: table.assign(id=[f"x{index}" for index in range(len(table))])),
        "one-less": _table(lambda table: table[1:]),
        "one-twice": _table(lambda table: pd.concat([table, table[:1]])),
        "no-rows": _table(lambda table: table[:0]),
        "no-id": _table(lambda table: table.drop(columns="id")),
        "no-counts": _table(lambda table: table[["id"]]),
        "another-order": _table(lambda table: table[::-1]),
        "control-characters": _table(lambda table: table.rename(columns={table.columns[-1]: "\x1b[31m\u202e"})),
    },
    "result.json": {
        "another-score": _json(_set(99.0, "scores", "BLEU", "value")),
        "a-score-of-another-kind": _json(_set("99", "scores", "BLEU", "value")),
        "no-scores": _json(_set({}, "scores")),
        "another-id": _json(_set("0" * 12, "run_id")),
        "another-task": _json(_set("dart", "task")),
        "another-model": _json(_set("smollm2_135m", "model")),
        "another-method": _json(_set("lora", "method")),
        "another-seed": _json(_set(7, "seed")),
        "another-count": _json(_set(3, "n_inputs")),
        "no-inputs": _json(_set(0, "n_inputs")),
        "another-setting": _json(_set(0.5, "settings", "train", "lr")),
        "another-form": _json(_set(99, "schema_version")),
        "a-negative-time": _json(_set(-1.0, "costs", "train_seconds")),
        "a-huge-time": _json(_set(1e308, "costs", "decode_seconds")),
        "provenance-of-a-list": _json(_set([], "provenance")),
        "another-run": _of_another_run,
    },
    "holder.json": {
        "another-host": _json(_set("elsewhere", "host")),
        "a-negative-process": _json(_set(-1, "pid")),
        "control-characters": _json(_set("\x1b[31m\u202e", "host")),
    },
}
"""File → damages that leave a file of the right form with wrong content."""

NOTICED = {
    ("result.json", name) for name in ("another-score", "no-scores", "another-task", "another-method", "another-count")
} | {
    ("generations.jsonl", name)
    for name in ("another-letter", "another-input", "another-reference", "another-id", "the-ids-of-others", "one-less")
}
"""What `verify` must call wrong in a finished run."""


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
        return self.verb == "verify" and self.moment == "finished" and (self.file, self.damage) in NOTICED

    def apply(self, scene: Scene) -> None:
        """Damage the file."""
        damages = damages_of(self.file, is_directory=self.file in DIRECTORIES.get(self.moment, ()))
        rng = random.Random(f"{self.file}-{self.damage}")  # noqa: S311 - no secret
        damages[self.damage](scene.run / self.file, scene, rng)

    def words(self, scene: Scene) -> list[str]:
        """The command."""
        run_id, results = scene.run.name.rpartition("-")[2], f"results_dir={scene.tree}"
        words = {
            "resume": [*SETTINGS, "seed=1"],
            "generate": ["generate", f"run={run_id}", "text=name[A], food[French]"],
            "export": ["export", f"run={run_id}", f"out={scene.tree / 'exported'}"],
            "verify": ["verify", run_id],
            "diff": ["diff", run_id, scene.others[0]],
            "keep": ["keep", f"run={run_id}"],
        }
        return [*words.get(self.verb, [self.verb]), results]


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
