"""What can become of a file or a directory, whatever is in it, and of what is in it while its form stays.

A damage takes the path, the scene, and random numbers that come from the name of the case.
"""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors.torch import load_file, save_file

from prefixrun.files import read_json, write_json
from scene import Scene

Damage = Callable[[Path, Scene, random.Random], None]


def of_rewrite(change: Callable[[bytes, random.Random], bytes]) -> Damage:
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
    "appended": of_rewrite(lambda data, rng: data + rng.randbytes(40)),
}
WITH_CONTENT: dict[str, Damage] = {
    "half": of_rewrite(lambda data, _: data[: len(data) // 2]),
    "cut": of_rewrite(lambda data, _: data[:-1]),
    "empty": of_rewrite(lambda _data, _: b""),
    "noise": of_rewrite(lambda data, rng: rng.randbytes(len(data))),
    "zeros": of_rewrite(lambda data, _: bytes(len(data))),
    **{f"flip{number}": of_rewrite(_flip) for number in range(1, 4)},
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


def other_value(data: bytes, rng: random.Random) -> bytes:
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
    **{f"value{number}": other_value for number in range(1, 6)},
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
    ".json": {name: of_rewrite(change) for name, change in _JSON.items()},
    ".jsonl": {name: of_rewrite(_in_one_line(change)) for name, change in _JSON.items()},
}
"""Ending of a file → damages that keep its form."""


def of_json(change: Callable[[Any], Any]) -> Damage:
    """`change` alters the value in place, or returns another."""

    def damage(path: Path, _scene: Scene, _rng: random.Random) -> None:
        value = read_json(path)
        changed = change(value)
        write_json(path, value if changed is None else changed)

    return damage


def of_lines(change: Callable[[list[dict[str, Any]]], Any]) -> Damage:
    def damage(path: Path, _scene: Scene, _rng: random.Random) -> None:
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        changed = change(records)
        lines = [json.dumps(record) + "\n" for record in (records if changed is None else changed)]
        path.write_text("".join(lines), encoding="utf-8")

    return damage


def of_tensors(change: Callable[[dict[str, torch.Tensor]], Any]) -> Damage:
    def damage(path: Path, _scene: Scene, _rng: random.Random) -> None:
        tensors = load_file(path)
        changed = change(tensors)
        kept = tensors if changed is None else changed
        save_file({name: tensor.contiguous() for name, tensor in kept.items()}, path)

    return damage


def of_table(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Damage:
    return lambda path, _scene, _rng: change(pd.read_parquet(path)).to_parquet(path, index=False)


def put(value: Any, *keys: Any) -> Callable[[Any], None]:
    def change(tree: Any) -> None:
        for key in keys[:-1]:
            tree = tree[key]
        tree[keys[-1]] = value(tree[keys[-1]]) if callable(value) else value

    return change


def of_first(change: Callable[[torch.Tensor], torch.Tensor]) -> Damage:
    def altered(tensors: dict[str, torch.Tensor]) -> None:
        name = sorted(tensors)[0]
        tensors[name] = change(tensors[name])

    return of_tensors(altered)


def _one(number: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def change(tensor: torch.Tensor) -> torch.Tensor:
        tensor.view(-1)[0] = number
        return tensor

    return change


TENSORS: dict[str, Damage] = {
    "one-nan": of_first(_one(float("nan"))),
    "one-infinity": of_first(_one(float("inf"))),
    "one-number": of_first(_one(0.125)),
    "another-type": of_first(lambda tensor: tensor.to(torch.float16)),
    "whole-numbers": of_first(lambda tensor: tensor.to(torch.int32)),
    "flat": of_first(lambda tensor: tensor.flatten()),
    "shorter": of_first(lambda tensor: tensor[..., :-1]),
    "half-of-it": of_first(lambda tensor: tensor[: len(tensor) // 2]),
    "no-tensor": of_tensors(lambda _: {}),
    "one-more": of_tensors(lambda tensors: tensors.update(more=torch.zeros(2))),
    "another-name": of_tensors(lambda tensors: {f"{name}x": tensor for name, tensor in tensors.items()}),
}
