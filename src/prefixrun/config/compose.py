"""From what was typed after the command to frozen configurations: Hydra composes, the schema decides.

Everything that is wrong with the command line is reported together, before anything runs. Of a sweep only its words
have to be right: a combination that cannot be run is one of its points, with the reason.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from prefixrun.config import grids
from prefixrun.config.conf_tree import conf_dir, groups
from prefixrun.config.method_specs import METHOD_SPECS, size_contradiction
from prefixrun.config.overrides import checked
from prefixrun.config.schema import Config
from prefixrun.config.validate import build, defaults, read, refusal
from prefixrun.errors import ConfigError, PrefixrunError

CONFIG_NAME = "config"
VERSION_BASE = "1.3"


@dataclass(frozen=True, slots=True)
class Point:
    """One combination of values of a sweep."""

    words: tuple[str, ...]
    """The overrides that give it, without sweeps and without Hydra's own settings."""
    config: Config | None
    """None when it cannot be run."""
    problems: tuple[str, ...] = ()
    """Why it cannot be run."""


def compose(overrides: Sequence[str] = (), *, config_dir: Path | None = None) -> Config:
    """The configuration of one run, as ``prefixrun OVERRIDES`` would run it.

    Args:
        overrides: ``key=value`` and ``group=choice``, as on the command line.
        config_dir: directory with further choices, laid out as ``conf/``.

    Raises:
        ConfigError: naming every problem.
    """
    return configurations(overrides, config_dir=config_dir)[0]


def configurations(overrides: Sequence[str], *, multirun: bool = False, config_dir: Path | None = None) -> list[Config]:
    """The configurations of one command, several when it is a sweep (``multirun``). Raises ConfigError."""
    found = points(overrides, multirun=multirun, config_dir=config_dir)
    if problems := [problem for point in found for problem in point.problems]:
        raise refusal(problems)
    return [point.config for point in found if point.config is not None]


def points(overrides: Sequence[str], *, multirun: bool = True, config_dir: Path | None = None) -> list[Point]:
    """Every combination of one command, in the order in which it is to be run. ``experiment=NAME`` stands for a grid.

    Raises ConfigError for words that are wrong whatever the others are.
    """
    problems: list[str] = []
    with hydra_files(config_dir):
        choices = groups(config_dir)
        typed = checked(overrides, multirun, choices, problems)
        if problems and multirun:
            raise refusal(problems)
        composer = _Composer(config_dir, choices)
        typed = _counting(typed, choices)
        jobs = grids.expand(typed, config_dir, multirun=multirun)
        found = [composer.point(job) for job in dict.fromkeys(jobs)]
    if problems:
        raise refusal([*problems, *(problem for point in found for problem in point.problems)])
    return found


def _counting(typed: Sequence[Override], choices: Mapping[str, Sequence[str]]) -> list[Override]:
    """The overrides that make the points: of a key that is given twice the last, as Hydra has it, and not its own."""
    last = {override.key_or_group: override for override in typed}
    return [
        override
        for override in typed
        if not override.is_hydra_override()
        and (override.key_or_group in choices or last[override.key_or_group] is override)
    ]


def check_keys(overrides: Sequence[str], *, multirun: bool = False, config_dir: Path | None = None) -> None:
    """Raises ConfigError for what is wrong with the command line whatever the values mean together."""
    problems: list[str] = []
    with hydra_files(config_dir):
        checked(overrides, multirun, groups(config_dir), problems)
    if problems:
        raise refusal(problems)


def from_hydra(composed: DictConfig, words: Sequence[str] = ()) -> Config:
    """The frozen configuration of what Hydra composed from the overrides `words`. Raises ConfigError."""
    return _solved(build(_raw(composed)), {word.partition("=")[0] for word in words})


def register_schema() -> None:
    """Tell Hydra every key and its default, so that all of them can be set, shown and completed, and every method that
    has no file in conf/method/."""
    store = ConfigStore.instance()
    store.store(name="schema", node=defaults())
    for name in METHOD_SPECS:
        if not (conf_dir() / "method" / f"{name}.yaml").is_file():
            store.store(group="method", name=name, node={"name": name})


class _Composer:
    """Points of one command. Hydra takes a tenth of a second for each composition, and the points of a sweep share
    most of theirs: it composes each combination of choices once, and single values are set in a copy of that, which
    is what Hydra does with them too."""

    def __init__(self, config_dir: Path | None, choices: Mapping[str, Sequence[str]]) -> None:
        self._choices = choices
        self._search_path = search_path(config_dir)
        self._composed: dict[tuple[str, ...], Mapping[str, Any] | str] = {}
        self._checked: dict[str, tuple[Override | None, list[str]]] = {}
        self._parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())

    def point(self, words: tuple[str, ...]) -> Point:
        problems: list[str] = []
        overrides = [override for word in words if (override := self._override(word, problems))]
        if problems:
            return Point(words, None, tuple(problems))
        chosen = [override for override in overrides if override.key_or_group in self._choices]
        base = self._choice(tuple(cast(str, override.input_line) for override in chosen))
        if isinstance(base, str):
            return Point(words, None, (base,))
        raw = deepcopy(dict(base))
        for override in overrides:
            if override not in chosen:
                _set(raw, override.key_or_group, override.value())
        config = read(raw, problems)
        if config is not None:
            typed = {override.key_or_group for override in overrides if override.value() is not None}
            try:
                config = _solved(config, typed)
            except PrefixrunError as error:
                return Point(words, None, (str(error),))
        return Point(words, config, tuple(problems))

    def _override(self, word: str, problems: list[str]) -> Override | None:
        if word not in self._checked:
            found: list[str] = []
            good = checked([word], False, self._choices, found)
            self._checked[word] = (good[0] if good else None, found)
        override, wrong = self._checked[word]
        problems += wrong
        return override

    def _choice(self, words: tuple[str, ...]) -> Mapping[str, Any] | str:
        if words not in self._composed:
            try:
                self._composed[words] = _raw(hydra.compose(CONFIG_NAME, overrides=[*self._search_path, *words]))
            except (HydraException, OmegaConfBaseException, YAMLError) as error:
                self._composed[words] = _first_words(error)
        return self._composed[words]


def _solved(config: Config, typed: Collection[str] = ()) -> Config:
    """The configuration with the size that its budget asks for, so that all that follows sees one number, however it
    was asked for; a size that was `typed` takes the place of a recipe's budget. Raises ConfigError, also for a size and
    a budget that were both typed, and MissingPartError."""
    if config.budget is None:
        return config
    if "budget" not in typed and METHOD_SPECS[config.method.name].size_key in typed:
        return replace(config, budget=None)
    if problem := size_contradiction(config, typed):
        raise ConfigError(problem)
    from prefixrun.methods.budget import solved  # imports torch, which only a budget needs here

    return solved(config)


def _set(tree: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key; a mapping is merged into what is there."""
    *sections, name = key.split(".")
    for section in sections:
        tree = tree[section]
    if isinstance(value, dict) and isinstance(tree.get(name), dict):
        for inner, content in value.items():
            _set(tree[name], str(inner), content)
    else:
        tree[name] = value


def _raw(composed: DictConfig) -> Mapping[str, Any]:
    # Interpolations stay as they are, so that the schema sees and refuses them instead of the value behind them.
    return cast(Mapping[str, Any], OmegaConf.to_container(composed, resolve=False))


@contextmanager
def hydra_files(config_dir: Path | None) -> Iterator[None]:
    """Hydra, ready to compose the files of conf/ and of a directory of the user's own."""
    if config_dir is not None and not config_dir.is_dir():
        raise ConfigError(f"--config-dir {config_dir}: there is no such directory")
    register_schema()
    with hydra.initialize_config_dir(str(conf_dir()), job_name="prefixrun", version_base=VERSION_BASE):
        yield


def search_path(config_dir: Path | None) -> list[str]:
    """The override that lets Hydra find the files of a directory of the user's own."""
    return [] if config_dir is None else [f"hydra.searchpath=['file://{config_dir.absolute()}']"]


def _first_words(error: Exception) -> str:
    """Hydra's message without the advice that concerns its developers."""
    return str(error).strip().split("\nSet the env")[0]
