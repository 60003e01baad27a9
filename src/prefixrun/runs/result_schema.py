"""The written form of result.json: what every reader may rely on, and the check of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.config.schema import Config
from prefixrun.errors import shortened

SAMPLE = "sample"
"""`data_source` of the small corpora in the package."""

RELEASE = "release"
"""`data_source` of a real corpus in data_dir, in its release format."""

GENERATED = "generated"
"""`data_source` of a task whose examples the program makes itself (data.generated)."""

SCHEMA_VERSION = 1
"""Moves when a field is renamed or changes its meaning; new fields do not move it."""

LARGEST = 2**63
"""No number of a result is larger: readers add, average and format them without a thought of overflow."""

DEEPEST = 12
"""Objects and lists within each other; results have six."""

_TEXT = (str,)
_COUNT = (int,)
_NUMBER = (int, float)
_OBJECT = (Mapping,)
_NESTED = (dict, list)
_OPTIONAL_TEXT = (str, type(None))
_OPTIONAL_COUNT = (int, type(None))
_OPTIONAL_NUMBER = (int, float, type(None))

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Names are parts of the names of files and figures; see config.schema.Name."""

NAMES = ("run_id", "profile", "task", "model", "method", "init", "data_source", "split")
"""Texts that are such names."""

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


LOSSES = ("train_loss", "dev_loss")
"""Of an entry of the training's history; each may be left out."""

OPTIONAL: Mapping[str, tuple[type, ...]] = {
    "n_train_available": _OPTIONAL_COUNT,
    "n_dev": _OPTIONAL_COUNT,
    "n_inputs_available": _OPTIONAL_COUNT,
    "truncated": _OBJECT,
    "settings": _OBJECT,
    "costs.train_steps": _OPTIONAL_NUMBER,
    "costs.train_positions": _OPTIONAL_NUMBER,
    "forgetting": _OBJECT,
    "forgetting.before": _NUMBER,
    "forgetting.after": _NUMBER,
    "forgetting.tokens": _COUNT,
    "data": _OBJECT,
    "backbone": _OBJECT,
    "backbone.files": _OPTIONAL_TEXT,
    "backbone.sha256": _OPTIONAL_TEXT,
    "trained_file": _OBJECT,
    "trained_file.name": _TEXT,
    "trained_file.sha256": _TEXT,
    "training": _OBJECT,
    "training.fit_error": _OPTIONAL_NUMBER,
    "training.history": (list,),
    "training.start": _OBJECT,
    "training.teacher": _OBJECT,
    "training.lengths": (list,),
    "training.of_run": _TEXT,
    **{f"provenance.{name}": _OPTIONAL_TEXT for name in ("time", "command", "prefixrun", "python", "platform", "cpu")},
    "provenance.accelerator": _OPTIONAL_TEXT,
    **{f"provenance.{name}": _OPTIONAL_COUNT for name in ("semantics", "cpu_count", "threads", "joint", "processes")},
    "provenance.git": (Mapping, type(None)),
    "provenance.git.commit": _OPTIONAL_TEXT,
    "provenance.git.modified": (bool, type(None)),
    "provenance.packages": _OBJECT,
}
"""Dotted place → types, of what a result may leave out and readers use where it is there."""

AT_LEAST: Mapping[str, int] = {
    **dict.fromkeys(("n_train", "n_train_available", "n_dev", "seed", "costs.train_steps", "costs.train_positions"), 0),
    **dict.fromkeys(("n_inputs", "n_inputs_available", "prefix_len"), 1),
    **dict.fromkeys((f"provenance.{name}" for name in ("cpu_count", "threads", "joint", "processes")), 1),
    **{f"settings.{name}": 1 for name in ("decode.beams", "train.max_steps", "train.batch_size", "train.accumulate")},
    **dict.fromkeys(("settings.seed", "settings.subsample_seed", "settings.data_fraction"), 0),
}
"""Dotted place → the smallest number that can stand there."""


def validate_result(value: object) -> list[str]:
    """Everything that is wrong with a result, one sentence each; empty when a reader may rely on it."""
    if not isinstance(value, Mapping):
        return ["is not an object"]
    if value.get("schema_version") != SCHEMA_VERSION:
        return [f"schema_version is {_shown(value.get('schema_version'))}, this version reads {SCHEMA_VERSION}"]
    if problem := _unbounded(value, "result", 0):
        return [problem]
    problems = []
    for name, types in TOP_LEVEL.items():
        if name not in value:
            problems.append(f"{name} is missing")
        elif not _is(value[name], types):
            problems.append(f"{name} is {_shown(value[name])}, expected {_named(types)}")
        elif name in NAMES and value[name] is not None and not _NAME.fullmatch(value[name]):
            problems.append(f"{name} is {_shown(value[name])}, expected letters, digits, '.', '_' and '-'")
    if problems:
        return problems
    problems += _numbers(value["parameters"], "parameters", PARAMETERS, _COUNT)
    problems += _numbers(value["costs"], "costs", COSTS, _OPTIONAL_NUMBER)
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
    """How many of its training pairs the schedule of a run gets to at most, with batches of full size."""
    train = result.get("settings", {}).get("train", {})
    n_train, steps, size = int(result["n_train"]), train.get("max_steps"), train.get("batch_size")
    if steps is None or size is None:
        return n_train
    return min(n_train, int(steps * size * train.get("accumulate", 1)))


def stored_share(result: Mapping[str, Any]) -> float:
    """The numbers that a run has stored, in per cent of its model's."""
    parameters = result["parameters"]
    return 100 * parameters["stored"] / parameters["total"] if parameters["total"] else 0.0


def _unbounded(value: object, where: str, depth: int) -> str:
    """What in a result is too large or too deep for any reader; empty when nothing is."""
    if isinstance(value, _NUMBER) and not abs(value) <= LARGEST:
        return f"{where} is {_shown(value)}, larger than any number of a run"
    if not isinstance(value, _NESTED):
        return ""
    if depth == DEEPEST:
        return f"{shortened(where)} is nested more than {DEEPEST} deep"
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    return next(filter(None, (_unbounded(part, f"{where}.{key}", depth + 1) for key, part in parts)), "")


def _optional(value: Mapping[str, Any]) -> list[str]:
    """What is wrong with the parts of OPTIONAL, with settings, and with the lists in them; one sentence at most."""
    known = {**OPTIONAL, **_setting_types()}
    for place, part in _places(value, ""):
        if place in known and not _is(part, known[place]):
            return [f"{place} is {_shown(part)}, expected {_named(known[place])}"]
        if isinstance(part, _NUMBER) and part < AT_LEAST.get(place, part):
            return [f"{place} is {_shown(part)}, expected at least {AT_LEAST[place]}"]
    if dotted := next((key for key in _keys(value.get("settings", {})) if "." in key), None):
        return [f"settings has the key {_shown(dotted)}, expected sections within each other"]
    for split, of_split in value.get("data", {}).items():
        if not _is_corpus(of_split):
            return [f"data.{shortened(split)} is {_shown(of_split)}, expected an object with a list of files"]
    for name, version in value["provenance"].get("packages", {}).items():
        if not isinstance(version, str | None):
            return [f"provenance.packages.{shortened(name)} is {_shown(version)}, expected text or null"]
    for entry in value.get("training", {}).get("lengths", []):
        if not isinstance(entry, Mapping) or not all(
            _is(entry.get(key), _NUMBER) for key in ("prefix_len", "dev_loss")
        ):
            return [f"training.lengths has {_shown(entry)}, expected an object with prefix_len and dev_loss"]
    for entry in value.get("training", {}).get("history", []):
        if not isinstance(entry, Mapping) or not (
            _is(entry.get("step"), _NUMBER) and all(_is(entry.get(name, 0.0), _NUMBER) for name in LOSSES)
        ):
            return [f"training.history has {_shown(entry)}, expected an object with step and losses, all numbers"]
    return []


def _is_corpus(part: object) -> bool:
    """Whether it is what a result says of a part of a corpus."""
    if not isinstance(part, Mapping) or not isinstance(part.get("version"), str | None):
        return False
    files = part.get("files", [])
    return isinstance(files, list) and all(
        isinstance(file, Mapping)
        and all(isinstance(file.get(name), str | None) for name in ("name", "sha256"))
        and _is(file.get("records", 0), _OPTIONAL_COUNT)
        for file in files
    )


def _places(tree: Mapping[str, Any], section: str) -> Iterator[tuple[str, Any]]:
    """Dotted place and value of everything in a result."""
    for key, value in tree.items():
        yield section + key, value
        if isinstance(value, Mapping):
            yield from _places(value, f"{section}{key}.")


def _keys(tree: Mapping[str, Any]) -> Iterator[str]:
    for key, value in tree.items():
        yield key
        if isinstance(value, Mapping):
            yield from _keys(value)


@cache
def _setting_types() -> Mapping[str, tuple[type, ...]]:
    """Dotted place of every setting → its types; bounds are those of the version that made the run."""
    return dict(_types_of(Config, "settings."))


def _types_of(cls: type, section: str) -> Iterator[tuple[str, tuple[type, ...]]]:
    for name, hint in get_type_hints(cls).items():
        if is_dataclass(hint):
            yield section + name, _OBJECT
            yield from _types_of(hint, f"{section}{name}.")  # type: ignore[arg-type]
        else:
            parts = [hint] if get_origin(hint) is Literal else get_args(hint) or [hint]
            bare = [_TEXT if get_origin(part) is Literal else _NUMBER if part is float else (part,) for part in parts]
            yield section + name, tuple(kind for kinds in bare for kind in kinds)


def _score(where: str, score: object) -> list[str]:
    where = shortened(where)
    if not isinstance(score, Mapping):
        return [f"{where} is {_shown(score)}, expected an object"]
    if not isinstance(score.get("signature"), str) or not score["signature"]:
        return [f"{where}.signature is missing"]
    value = score.get("value")
    if value is None:
        return [] if isinstance(score.get("reason"), str) and score["reason"] else [f"{where} is null without a reason"]
    if not isinstance(score.get("reason"), str | None):
        return [f"{where}.reason is {_shown(score['reason'])}, expected text or null"]
    return [] if _is(value, _NUMBER) else [f"{where}.value is {_shown(value)}, expected a number or null"]


def _numbers(part: Mapping[str, Any], where: str, names: tuple[str, ...], types: tuple[type, ...]) -> list[str]:
    problems = []
    for name in names:
        if name not in part:
            problems.append(f"{where}.{name} is missing")
        elif not _is(part[name], types) or (part[name] is not None and part[name] < 0):
            problems.append(f"{where}.{name} is {_shown(part[name])}, expected {_named(types)}, not negative")
    return problems


def _is(value: object, types: tuple[type, ...]) -> bool:
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _shown(value: object) -> str:
    return shortened(repr(value))


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
