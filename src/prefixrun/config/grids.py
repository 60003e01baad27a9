"""Grids of runs: ``experiment=NAME`` names a file of conf/experiment/, one for each table and figure of the paper.

    # What it shows, and the table or figure of the paper.
    title: "Table 5 (ACL): ..."
    every: {task: e2e}                        # keys of all points of the file
    laptop:                                   # the grid of one profile; there are quick, laptop and paper
      every: {seed: [1, 2], train_size: 100}  # keys of all points of this profile
      grid:
        - {method: prefix, init: [words, random]}
        - {method: adapter, budget: 3%}

A list of values stands for each of them. An entry of ``grid`` is every combination of its values and those of both
``every``, of which the more special one counts: above, 2 x (2 + 1) points. A value of the command line that some points
of the file have chooses those (``method=prefix``); one that none has replaces what the file says everywhere. A usual
experiment file of Hydra (``# @package _global_``, ``defaults: [override /task: e2e]``, keys) is one point.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, get_args, get_type_hints

from hydra.core.override_parser.types import Override

from prefixrun.config.conf_tree import conf_dir
from prefixrun.config.overrides import MOST_POINTS, each_value
from prefixrun.config.schema import Config
from prefixrun.config.setting_roles import flatten
from prefixrun.config.user_files import path_exists, read_mapping
from prefixrun.errors import ConfigError, shortened

KEY = "experiment"
PROFILES: tuple[str, ...] = get_args(get_type_hints(Config)["profile"])
DEFAULT_PROFILE = "quick"
_PLAIN = re.compile(r"[A-Za-z0-9_.+-]+")
_KEY = re.compile(r"[A-Za-z0-9_./]+")

Overrides = tuple[str, ...]
"""One point of a grid: ``("task=e2e", "seed=1")``."""


def expand(
    user_overrides: Sequence[Override], config_dir: Path | None = None, *, multirun: bool = True
) -> list[Overrides]:
    """The points of a command's overrides, which are right one by one. Raises ConfigError."""
    names = [
        value.partition("=")[2]
        for user_override in user_overrides
        if user_override.key_or_group == KEY
        for value in each_value(user_override)
    ]
    rest = [override for override in user_overrides if override.key_or_group != KEY]
    each_of_rest = list(map(each_value, rest))
    _refuse_many(math.prod(map(len, each_of_rest)))
    user_points = list(product(*each_of_rest))
    if not names:
        return user_points
    profile = _profile(rest)
    grids = [_points_of_file(name, profile, config_dir) for name in names]
    if not multirun and sum(map(len, grids)) > 1:
        raise ConfigError(f"{KEY}={names[0]}: is a grid of runs: add -m to run them, or see it with `prefixrun plan`")
    _refuse_many(len(user_points) * sum(map(len, grids)))
    points = dict.fromkeys(
        (*point, *user_point) for user_point in user_points for grid in grids for point in _chosen(grid, user_point)
    )
    if not points:
        values = ", ".join(override.input_line or str(override.key_or_group) for override in rest)
        raise ConfigError(f"{KEY}={','.join(names)}: no point of the grid has all of {values}; leave one of them out")
    return list(points)


def _refuse_many(count: int) -> None:
    if count > MOST_POINTS:
        raise ConfigError(f"{count:,} runs in one sweep: at most {MOST_POINTS:,} are taken; divide it")


def _count(values: Mapping[str, Any]) -> int:
    return math.prod(len(value) for value in values.values() if isinstance(value, list))


def _chosen(grid: Sequence[Overrides], user_point: Overrides) -> Iterator[Overrides]:
    """The points of a grid that a user's overrides choose, without the keys that these set.

    A value of the user's that some points have chooses those points; one that none has chooses nothing.
    """
    settings_of_points = [_settings(point) for point in grid]
    user_settings = _settings(user_point)
    choosing = {
        key: value
        for key, value in user_settings.items()
        if any(settings.get(key) == value for settings in settings_of_points)
    }
    for point, settings in zip(grid, settings_of_points, strict=True):
        if all(settings.get(key) == value for key, value in choosing.items()):
            yield tuple(text for text in point if text.partition("=")[0] not in user_settings)


def _settings(overrides: Overrides) -> dict[str, str | float]:
    """Key to value; numbers are equal however they are written."""
    settings: dict[str, str | float] = {}
    for key, _, text in (override.partition("=") for override in overrides):
        try:
            settings[key] = float(text)
        except ValueError:
            settings[key] = text.strip("'\"")
    return settings


def _points_of_file(name: str, profile: str, config_dir: Path | None) -> list[Overrides]:
    content = _read(name, config_dir)
    if profile in content:
        part = content[profile]
        shared = {**content.get("every", {}), **part.get("every", {})}
        _refuse_many(_count(shared) * sum(map(_count, part.get("grid", [{}]))))
    points = list(points_of(content, profile))
    if not points:
        raise ConfigError(f"{KEY}={name}: has no grid for profile={profile}")
    return points


def points_of(content: Mapping[str, Any], profile: str) -> Iterator[Overrides]:
    """The points of a file's content under a profile; what all entries share varies slowest."""
    if profile not in content:
        return
    part = content[profile]
    shared = {**content.get("every", {}), **part.get("every", {})}
    entries = part.get("grid", [{}])
    for shared_values in _combinations(shared):
        for entry in entries:
            for values in _combinations(entry):
                yield tuple(format_override(key, value) for key, value in {**shared_values, **values}.items())


def _combinations(values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    lists = (value if isinstance(value, list) else [value] for value in values.values())
    return (dict(zip(values, chosen, strict=True)) for chosen in product(*lists))


def format_override(key: str, value: Any) -> str:
    """One override in Hydra's grammar; texts that it could read as something else stand in quotes."""
    if value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    elif isinstance(value, str) and not _PLAIN.fullmatch(value):
        text = quoted(value)
    else:
        text = str(value)
    return f"{key}={text}"


def quoted(text: str) -> str:
    """A text in quotes of Hydra's grammar."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _profile(user_overrides: Sequence[Override]) -> str:
    profiles = [
        value.partition("=")[2] for o in user_overrides if o.key_or_group == "profile" for value in each_value(o)
    ]
    if len(profiles) > 1:
        raise ConfigError(
            f"profile={','.join(profiles)}: {KEY} takes one profile at a time: each has a grid of its own"
        )
    return profiles[0] if profiles else DEFAULT_PROFILE


def _read(name: str, config_dir: Path | None) -> Mapping[str, Any]:
    """A checked file; a user's own stands before a shipped one. Raises ConfigError."""
    roots = [*([config_dir] if config_dir else []), conf_dir()]
    path = next(file for root in roots if path_exists(file := root / KEY / f"{name}.yaml"))
    content: Mapping[str, Any] = read_mapping(path)
    if "defaults" in content or _AT_THE_TOP.search(path.read_text(encoding="utf-8")):
        content = _of_hydra_file(content, path)
    if problem := _malformed(content):
        raise ConfigError(f"{path}: {problem}; docs/OWN_TASK.md describes the form of such files")
    return content


_OVERRIDE = re.compile(r"(?:override )?/([a-z_/]+)")
_AT_THE_TOP = re.compile(r"^# @package _global_ *$", re.MULTILINE)


def _of_hydra_file(content: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """A usual experiment file of Hydra as a grid of one point. Raises ConfigError for what such a grid cannot say."""
    entries = content.get("defaults") or []
    choices: dict[str, Any] = {}
    for entry in entries if isinstance(entries, list) else [entries]:
        if entry == "_self_":
            continue
        key, choice = next(iter(entry.items())) if isinstance(entry, dict) and len(entry) == 1 else (entry, None)
        group = _OVERRIDE.fullmatch(str(key))
        if group is None or not isinstance(choice, str):
            raise ConfigError(
                f"{path}: {shortened(entry, 60)} in defaults is not taken; write `- override /GROUP: CHOICE`, such as "
                "`- override /task: e2e`"
            )
        choices[group[1]] = choice
    rest = {key: value for key, value in content.items() if key not in ("defaults", "title")}
    if "hydra" in rest:
        raise ConfigError(
            f"{path}: hydra: an experiment cannot set up Hydra; instead of hydra.sweeper.params write a grid "
            "(docs/OWN_TASK.md), instead of a launcher hydra/launcher=NAME on the command line"
        )
    if rest and not _AT_THE_TOP.search(path.read_text(encoding="utf-8")):
        raise ConfigError(
            f"{path}: begin with the line `# @package _global_`, so that its keys are those of the command line, or "
            "write a grid: docs/OWN_TASK.md"
        )
    # A list is one value with commas, as metrics and columns are.
    values = {key: ",".join(map(str, value)) if isinstance(value, list) else value for key, value in flatten(rest)}
    return {profile: {"grid": [{**choices, **values}]} for profile in PROFILES}


def _malformed(content: Any) -> str | None:
    if not isinstance(content, dict):
        return "is not a mapping"
    if surplus := set(content) - {"title", "every", *PROFILES}:
        return (
            f"there is no key {sorted(map(str, surplus))[0]} in a grid: keys of runs stand below every or in an "
            "entry of grid; for one run begin the file with the line `# @package _global_`"
        )
    if not isinstance(content.get("every", {}), dict):
        return "every is not a mapping of keys to values"
    for profile in set(content) & set(PROFILES):
        part = content[profile]
        if not isinstance(part, dict) or set(part) - {"every", "grid"}:
            return f"{profile} is not a mapping with every and grid"
        grid = part.get("grid", [{}])
        if not isinstance(part.get("every", {}), dict) or not isinstance(grid, list):
            return f"{profile} has an `every` that is no mapping or a `grid` that is no list"
        if wrong := [entry for entry in grid if not isinstance(entry, dict)]:
            return f"{profile}: {shortened(repr(wrong[0]))} in its grid is not a mapping of keys to values"
        for section in (content.get("every", {}), part.get("every", {}), *grid):
            if problem := _wrong_entry(section):
                return f"{profile}: {problem}"
    return None


def _wrong_entry(section: Mapping[str, Any]) -> str | None:
    for key, value in section.items():
        if not _KEY.fullmatch(key) or key == KEY or key.startswith("hydra"):
            return f"{shortened(key)} is no key of a grid"
        values = value if isinstance(value, list) else [value]
        if not values:
            return f"{key} is a list without values"
        if any(isinstance(value, list | dict) for value in values):
            return f"{key} is neither a value nor a list of values"
    return None
