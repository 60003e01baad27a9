"""From the overrides of a command to frozen configurations: Hydra composes, the schema decides.

Everything that is wrong with the command line is reported together, before anything runs. Of a sweep only its overrides
have to be right: a combination that cannot be run is one of its points, with the reason.

A budget asks for the size of a method on a model, and model.layout=auto for the layout of a model, which this package
does not know: `solve` is the function that does.
Use `prefixrun.runs.configure`, which gives it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from prefixrun.config import grids, user_files
from prefixrun.config.conf_tree import conf_dir, groups
from prefixrun.config.method_sizes import size_contradiction
from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.config.overrides import valid_overrides
from prefixrun.config.schema import Config, TaskConfig
from prefixrun.config.setting_roles import flatten
from prefixrun.config.validate import build, defaults, read, refusal
from prefixrun.config.warmup import fit_warmup
from prefixrun.errors import ConfigError, PrefixrunError, reading, shortened

CONFIG_NAME = "config"
VERSION_BASE = "1.3"

Solver = Callable[[Config, Collection[str]], Config]
"""From a configuration and the keys that its user set to the same with the layout of its model, the digests of what its
prefix is initialised from and of what its teacher reads, the length of the former, and the size that comes closest to
its budget. Raises PrefixrunError."""


def _no_solver(config: Config, user_keys: Collection[str]) -> Config:
    assert config.budget is None, f"budget={config.budget}: is solved by the functions of prefixrun.runs.configure"
    return config


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """One combination of values of a sweep."""

    overrides: tuple[str, ...]
    """The overrides that give it, without sweeps and without Hydra's own settings."""
    config: Config | None
    """None when it cannot be run."""
    problems: tuple[str, ...] = ()
    """Why it cannot be run."""


def compose(overrides: Sequence[str] = (), *, config_dir: Path | None = None, solve: Solver = _no_solver) -> Config:
    """The configuration of one run, as ``prefixrun OVERRIDES`` would run it.

    Args:
        overrides: ``key=value`` and ``group=choice``, as on the command line.
        config_dir: directory with further choices, laid out as ``conf/``.
        solve: finds the size that a budget asks for, and the layout of a model.

    Raises:
        ConfigError: naming every problem.
    """
    return configurations(overrides, config_dir=config_dir, solve=solve)[0]


def task_of(name: str, config_dir: Path) -> TaskConfig:
    """The task of this name in a directory of the user's own. Raises ConfigError."""
    # an initialisation without words, which the task's file need not give, and the layout that takes an instruction
    return compose([f"task={name}", "init=random", "model.layout=chat"], config_dir=config_dir).task


def configurations(
    overrides: Sequence[str],
    *,
    multirun: bool = False,
    config_dir: Path | None = None,
    solve: Solver = _no_solver,
) -> list[Config]:
    """The configurations of one command, several when it is a sweep (``multirun``). Raises ConfigError."""
    points = sweep_points(overrides, multirun=multirun, config_dir=config_dir, solve=solve)
    if problems := [problem for point in points for problem in point.problems]:
        raise refusal(problems)
    return [point.config for point in points if point.config is not None]


def sweep_points(
    overrides: Sequence[str],
    *,
    multirun: bool = True,
    config_dir: Path | None = None,
    solve: Solver = _no_solver,
) -> list[SweepPoint]:
    """Every combination of one command, in the order in which it is to be run. ``experiment=NAME`` stands for a grid.

    Raises ConfigError for overrides that are wrong whatever the others are.
    """
    problems: list[str] = []
    with hydra_files(config_dir):
        choices = groups(config_dir)
        user_overrides = valid_overrides(overrides, multirun, choices, problems)
        if problems and multirun:
            raise refusal(problems)
        composer = _Composer(config_dir, choices, solve)
        combinations = grids.expand(_in_effect(user_overrides, choices), config_dir, multirun=multirun)
        points = [composer.point(combination) for combination in dict.fromkeys(combinations)]
    if problems:
        raise refusal([*problems, *(problem for point in points for problem in point.problems)])
    return points


def recomposed(
    points: Sequence[SweepPoint], *, config_dir: Path | None = None, solve: Solver = _no_solver
) -> list[SweepPoint]:
    """The same points, composed and solved anew: what they name may be there now. Raises ConfigError for a
    `config_dir` that is gone."""
    with hydra_files(config_dir):
        composer = _Composer(config_dir, groups(config_dir), solve)
        return [composer.point(point.overrides) for point in points]


def _in_effect(user_overrides: Sequence[Override], choices: Mapping[str, Sequence[str]]) -> list[Override]:
    """The overrides that make the points: the last of each key, as Hydra has it, without those of Hydra itself."""
    last = {override.key_or_group: override for override in user_overrides}
    return [
        override
        for override in user_overrides
        if not override.is_hydra_override()
        and (override.key_or_group in choices or last[override.key_or_group] is override)
    ]


def check_keys(overrides: Sequence[str], *, multirun: bool = False, config_dir: Path | None = None) -> None:
    """Raises ConfigError for what is wrong with the command line whatever the values mean together."""
    problems: list[str] = []
    with hydra_files(config_dir):
        valid_overrides(overrides, multirun, groups(config_dir), problems)
    if problems:
        raise refusal(problems)


def from_hydra(composed: DictConfig, overrides: Sequence[str] = (), *, solve: Solver = _no_solver) -> Config:
    """The frozen configuration of what Hydra composed from `overrides`. Raises ConfigError."""
    user_keys = _user_keys(OverridesParser.create().parse_overrides(list(overrides)))
    raw = dict(_raw(composed))
    fit_warmup(raw, user_keys)
    return _solved(build(raw), user_keys, solve)


def register_schema() -> None:
    """Tell Hydra every key and its default, so that all of them can be set, shown and completed, and every method that
    has no file in conf/method/."""
    store = ConfigStore.instance()
    store.store(name="schema", node=defaults())
    for name in METHOD_SPECS:
        if not (conf_dir() / "method" / f"{name}.yaml").is_file():
            store.store(group="method", name=name, node={"name": name})


class _Composer:
    """Composes the points of one command.

    Hydra takes a tenth of a second for each composition, and the points of a sweep share most of theirs: it composes
    each combination of choices once, and single values are set in a copy of that, which is what Hydra does with them
    too.
    """

    def __init__(self, config_dir: Path | None, choices: Mapping[str, Sequence[str]], solve: Solver) -> None:
        self._choices = choices
        self._solve = solve
        self._search_path = search_path(config_dir)
        self._composed: dict[tuple[str, ...], Mapping[str, Any] | str] = {}
        self._parsed: dict[str, tuple[Override | None, list[str]]] = {}

    def point(self, texts: tuple[str, ...]) -> SweepPoint:
        problems: list[str] = []
        overrides = [override for text in texts if (override := self._parse(text, problems))]
        if problems:
            return SweepPoint(texts, None, tuple(problems))
        group_choices = [override for override in overrides if override.key_or_group in self._choices]
        base = self._compose(tuple(cast(str, override.input_line) for override in group_choices))
        if isinstance(base, str):
            return SweepPoint(texts, None, (base,))
        raw = deepcopy(dict(base))
        for override in overrides:
            if override not in group_choices:
                _set(raw, override.key_or_group, override.value())
        user_keys = _user_keys(overrides)
        fit_warmup(raw, user_keys)
        config = read(raw, problems)
        if config is not None:
            try:
                config = _solved(config, user_keys, self._solve)
            except PrefixrunError as error:
                return SweepPoint(texts, None, (str(error),))
        return SweepPoint(texts, config, tuple(problems))

    def _parse(self, text: str, problems: list[str]) -> Override | None:
        if text not in self._parsed:
            problems_of_text: list[str] = []
            valid = valid_overrides([text], False, self._choices, problems_of_text)
            self._parsed[text] = (valid[0] if valid else None, problems_of_text)
        override, problems_of_text = self._parsed[text]
        problems += problems_of_text
        return override

    def _compose(self, group_choices: tuple[str, ...]) -> Mapping[str, Any] | str:
        """What Hydra composes from choices of groups, or its message."""
        if group_choices not in self._composed:
            choices = " ".join(group_choices) or "the configuration"
            try:
                # Hydra raises whatever Python does for files that it does not expect.
                with reading(choices, "see docs/OWN_TASK.md for the form of own files", ConfigError):
                    composed = hydra.compose(CONFIG_NAME, overrides=[*self._search_path, *group_choices])
                self._composed[group_choices] = _raw(composed)
            except PrefixrunError as error:
                self._composed[group_choices] = _reason(error, choices)
        return self._composed[group_choices]


def _user_keys(overrides: Iterable[Override]) -> set[str]:
    """The dotted keys that a command sets, those of `train={lr: 1e-3}` too. A key that is null is not set."""
    values = {str(override.key_or_group): override.value() for override in overrides}
    return {key for key, value in flatten(values) if value is not None}


def _solved(config: Config, user_keys: Collection[str], solve: Solver) -> Config:
    """The configuration with what depends on its model (`solve`), above all the size that its budget asks for, so that
    all that follows sees one number, however it was asked for.

    user_keys: keys of the command line. A size among them takes the place of a recipe's budget. Raises ConfigError for
    a size and a budget that are both among them, and as `solve`.
    """
    if config.budget is not None:
        if "budget" not in user_keys and METHOD_SPECS[config.method.name].size_key in user_keys:
            config = replace(config, budget=None)
        elif problem := size_contradiction(config, user_keys):
            raise ConfigError(problem)
    init, distill = config.init, config.distill
    contents = (init.text, init.file, init.run, distill.text, distill.file, config.method.runs)
    is_complete = config.budget is None and config.model.layout != "auto" and not any((*contents, config.model.layers))
    return config if is_complete else solve(config, user_keys)


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
    if config_dir is not None and not _is_directory(config_dir):
        raise ConfigError(f"--config-dir {shortened(config_dir)}: there is no such directory")
    register_schema()
    user_files.register()
    with hydra.initialize_config_dir(str(conf_dir()), job_name="prefixrun", version_base=VERSION_BASE):
        yield


def search_path(config_dir: Path | None) -> list[str]:
    """The override that lets Hydra find the files of a directory of the user's own."""
    return [] if config_dir is None else [f"hydra.searchpath=[{grids.quoted(f'user://{_absolute(config_dir)}')}]"]


def _reason(error: PrefixrunError, choices: str) -> str:
    """Why Hydra composes nothing: its message without the advice that concerns its developers."""
    if isinstance(error.__cause__, RecursionError):
        return f"{shortened(choices)}: the defaults lists of these files lead back to themselves"
    if isinstance(error.__cause__, HydraException):
        return shortened(str(error.__cause__).split("\nAvailable options")[0], 500)
    return str(error)


def _absolute(path: Path) -> Path:
    """Raises ConfigError where the working directory has been deleted."""
    with reading(f"--config-dir {shortened(path)}", "give it from the root on", ConfigError):
        return path.absolute()


def _is_directory(path: Path) -> bool:
    try:
        str(path).encode()
        return path.is_dir()
    except (OSError, ValueError):  # a name that no directory can have
        return False
