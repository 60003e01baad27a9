"""The written form of result.json: what every reader may rely on, and the check of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.config.schema import Config

SAMPLE = "sample"
"""`data_source` of the small corpora in the package."""

RELEASE = "release"
"""`data_source` of a real corpus in data_dir, in its release format."""

SCHEMA_VERSION = 1
"""Moves when a field is renamed or changes its meaning; new fields do not move it."""

_TEXT = (str,)
_COUNT = (int,)
_NUMBER = (int, float)
_OPTIONAL_COUNT = (int, type(None))

TOP_LEVEL: Mapping[str, tuple[type, ...]] = {
    "run_id": _TEXT,
    "profile": _TEXT,
    "task": _TEXT,
    "model": _TEXT,
    "method": _TEXT,
    "prefix_len": _OPTIONAL_COUNT,
    "init": (str, type(None)),
    "seed": _COUNT,
    "data_source": _TEXT,
    "split": _TEXT,
    "n_train": _COUNT,
    "n_inputs": _COUNT,
    "scores": (Mapping,),
    "parameters": (Mapping,),
    "costs": (Mapping,),
    "provenance": (Mapping,),
}
"""Field → types. `prefix_len` and `init` are null for methods that have none."""

PARAMETERS = ("trained", "stored", "total")
"""Counts of numbers: trained in training, stored on the disk afterwards, in the backbone."""

COSTS = ("train_seconds", "train_tokens", "decode_seconds", "peak_memory_bytes")
"""Null where a part did not run or could not be measured."""


_OBJECT = (Mapping,)
OPTIONAL: Mapping[str, tuple[type, ...]] = {
    "n_train_available": _OPTIONAL_COUNT,
    "n_inputs_available": _OPTIONAL_COUNT,
    "settings": _OBJECT,
    "settings.subsample_seed": _COUNT,
    "settings.data_fraction": _NUMBER,
    "settings.keep_trained": (bool,),
    "settings.decode": _OBJECT,
    "settings.decode.beams": _COUNT,
    "settings.train": _OBJECT,
    "settings.train.max_steps": _OPTIONAL_COUNT,
    "settings.train.batch_size": _COUNT,
    "settings.train.accumulate": _COUNT,
    "settings.train.lr": (*_NUMBER, type(None)),
    "settings.train.dev_share": (*_NUMBER, type(None)),
    "costs.train_steps": (*_NUMBER, type(None)),
    "data": _OBJECT,
    "backbone": _OBJECT,
    "backbone.sha256": (str, type(None)),
    "trained_file": _OBJECT,
    "trained_file.sha256": _TEXT,
    "training": _OBJECT,
    "training.history": (list,),
    "provenance.git": (Mapping, type(None)),
    "provenance.packages": _OBJECT,
}
"""Dotted place → types, of what a result may leave out and readers use where it is there."""


def validate_result(value: object) -> list[str]:
    """Everything that is wrong with a result, one sentence each; empty when a reader may rely on it."""
    if not isinstance(value, Mapping):
        return ["is not an object"]
    if value.get("schema_version") != SCHEMA_VERSION:
        return [f"schema_version is {value.get('schema_version')!r}, this version reads {SCHEMA_VERSION}"]
    problems = []
    for name, types in TOP_LEVEL.items():
        if name not in value:
            problems.append(f"{name} is missing")
        elif not _is(value[name], types):
            problems.append(f"{name} is {value[name]!r}, expected {_named(types)}")
    if problems:
        return problems
    problems += _numbers(value["parameters"], "parameters", PARAMETERS, _COUNT)
    problems += _numbers(value["costs"], "costs", COSTS, (*_NUMBER, type(None)))
    problems += _optional(value)
    if not value["scores"]:
        problems.append("scores is empty")
    for name, score in value["scores"].items():
        problems += _score(f"scores.{name}", score)
    return problems


def described(config: Config) -> dict[str, Any]:
    """What stands at the top of a result although its settings imply it."""
    has_prefix = METHOD_SPECS[config.method.name].has_init
    return {
        "task": config.task.name,
        "model": config.model.name,
        "method": config.method.name,
        "prefix_len": config.prefix_len if has_prefix else None,
        "init": config.init.name if has_prefix else None,
        "seed": config.seed,
    }


def pairs_seen(result: Mapping[str, Any]) -> int:
    """How many of its training pairs the schedule of a run gets to."""
    train = result.get("settings", {}).get("train", {})
    n_train, steps, size = int(result["n_train"]), train.get("max_steps"), train.get("batch_size")
    if steps is None or size is None:
        return n_train
    return min(n_train, int(steps * size * train.get("accumulate", 1)))


def _optional(value: Mapping[str, Any]) -> list[str]:
    """What is wrong with the parts of OPTIONAL and with the lists in them."""
    for place, types in OPTIONAL.items():
        part: Any = value
        *parents, name = place.split(".")
        for parent in parents:
            part = part.get(parent, {})
        if name in part and not (isinstance(part[name], bool) if types == (bool,) else _is(part[name], types)):
            return [f"{place} is {part[name]!r}, expected {_named(types)}"]
    for split, of_split in value.get("data", {}).items():
        files = of_split.get("files", []) if isinstance(of_split, Mapping) else None
        if not isinstance(files, list) or not all(isinstance(file, Mapping) for file in files):
            return [f"data.{split} is {of_split!r}, expected an object with a list of files"]
    for entry in value.get("training", {}).get("history", []):
        if not isinstance(entry, Mapping) or not _is(entry.get("dev_loss", 0.0), _NUMBER):
            return [f"training.history has {entry!r}, expected an object with numbers"]
    return []


def _score(where: str, score: object) -> list[str]:
    if not isinstance(score, Mapping):
        return [f"{where} is {score!r}, expected an object"]
    if not isinstance(score.get("signature"), str) or not score["signature"]:
        return [f"{where}.signature is missing"]
    value = score.get("value")
    if value is None:
        return [] if isinstance(score.get("reason"), str) and score["reason"] else [f"{where} is null without a reason"]
    return [] if _is(value, _NUMBER) else [f"{where}.value is {value!r}, expected a number or null"]


def _numbers(part: Mapping[str, Any], where: str, names: tuple[str, ...], types: tuple[type, ...]) -> list[str]:
    problems = []
    for name in names:
        if name not in part:
            problems.append(f"{where}.{name} is missing")
        elif not _is(part[name], types) or (part[name] is not None and part[name] < 0):
            problems.append(f"{where}.{name} is {part[name]!r}, expected {_named(types)}, not negative")
    return problems


def _is(value: object, types: tuple[type, ...]) -> bool:
    return isinstance(value, types) and not isinstance(value, bool)


def _named(types: tuple[type, ...]) -> str:
    names = {
        list: "a list",
        bool: "true or false",
        str: "text",
        int: "a whole number",
        float: "a number",
        Mapping: "an object",
        type(None): "null",
    }
    return " or ".join(names[kind] for kind in types)
