"""From what was typed after the command to frozen configurations: Hydra composes, the schema decides.

Everything that is wrong with the command line is reported together, before anything runs.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, cast

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from prefixrun.conf_tree import conf_dir, groups
from prefixrun.errors import ConfigError
from prefixrun.schema import Config
from prefixrun.validate import build, defaults, known_keys, read, refusal, unknown_key

CONFIG_NAME = "config"
VERSION_BASE = "1.3"

HYDRA_KEYS = ("hydra/launcher", "hydra.launcher")
"""The settings of Hydra itself that a user may change: where a sweep's runs go. Files and logs are not Hydra's here."""


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
    problems: list[str] = []
    found: list[Config | None] = []
    with _hydra(config_dir):
        good = _checked(overrides, multirun, groups(config_dir), problems)
        for job in product(*(_values(override) for override in good)):
            try:
                composed = hydra.compose(CONFIG_NAME, overrides=[*_search_path(config_dir), *job])
            except (HydraException, OmegaConfBaseException) as error:
                problems.append(_first_words(error))
            else:
                found.append(read(_raw(composed), problems))
    if problems:
        raise refusal(problems)
    return [config for config in found if config is not None]


def check_keys(overrides: Sequence[str], *, multirun: bool = False, config_dir: Path | None = None) -> None:
    """Raises ConfigError for what is wrong with the command line whatever the values mean together."""
    problems: list[str] = []
    with _hydra(config_dir):
        _checked(overrides, multirun, groups(config_dir), problems)
    if problems:
        raise refusal(problems)


def from_hydra(composed: DictConfig) -> Config:
    """The frozen configuration of what Hydra composed. Raises ConfigError."""
    return build(_raw(composed))


def register_schema() -> None:
    """Tell Hydra every key and its default, so that all of them can be set, shown and completed."""
    ConfigStore.instance().store(name="schema", node=defaults())


def _raw(composed: DictConfig) -> Mapping[str, Any]:
    # Interpolations stay as they are, so that the schema sees and refuses them instead of the value behind them.
    return cast(Mapping[str, Any], OmegaConf.to_container(composed, resolve=False))


@contextmanager
def _hydra(config_dir: Path | None) -> Iterator[None]:
    if config_dir is not None and not config_dir.is_dir():
        raise ConfigError(f"--config-dir {config_dir}: there is no such directory")
    register_schema()
    with hydra.initialize_config_dir(str(conf_dir()), job_name="prefixrun", version_base=VERSION_BASE):
        yield


def _search_path(config_dir: Path | None) -> list[str]:
    return [] if config_dir is None else [f"hydra.searchpath=['file://{config_dir.absolute()}']"]


def _checked(
    overrides: Sequence[str], multirun: bool, choices: Mapping[str, Sequence[str]], problems: list[str]
) -> list[Override]:
    """The overrides that are right by themselves; the others' problems are added to ``problems``."""
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    good = []
    for text in overrides:
        try:
            (override,) = parser.parse_overrides([text])
        except OverrideParseException:
            problems.append(_unreadable(text))
            continue
        wrong = [*_wrong_key(override, choices)] or [*_wrong_value(override, multirun, choices)]
        problems += [f"{text}: {problem}" for problem in wrong]
        if not wrong:
            good.append(override)
    return good


def _unreadable(text: str) -> str:
    key, equals, value = text.partition("=")
    if not equals:
        return f"{text}: is not key=value"
    quoted = f"{key}='{value.strip(QUOTES)}'"
    return f'{text}: the value cannot be read; put quotes around it, as in "{quoted}"'


QUOTES = "'\""


def _wrong_key(override: Override, choices: Mapping[str, Sequence[str]]) -> Iterator[str]:
    key = override.key_or_group
    if "_target_" in key.split("."):
        yield "a configuration cannot name code to run"
    elif override.is_hydra_override():
        if not key.startswith(HYDRA_KEYS):
            yield f"of Hydra's own settings only {', '.join(HYDRA_KEYS)} can be changed; results_dir says where runs go"
    elif override.is_delete():
        yield "keys cannot be removed; give the value that is wanted"
    elif key not in choices and key not in known_keys():
        yield unknown_key(key, tuple(choices))
    elif override.package is not None:
        yield f"write it without @{override.package}"
    elif override.is_add() and not override.is_force_add():
        yield f"{key} exists; write it without +"


def _wrong_value(override: Override, multirun: bool, choices: Mapping[str, Sequence[str]]) -> Iterator[str]:
    key, value = override.key_or_group, override.value()
    if override.is_sweep_override():
        if not override.is_discrete_sweep():
            yield "an interval is no list of values; write the values, as in key=1,2,3"
        elif not multirun:
            yield f"is several values: add -m to run each, or quote a text with commas, as in \"{key}='TEXT'\""
    if "${" in cast(str, override.input_line):
        yield "interpolations are not allowed in values; write the value itself"
    elif key in choices:
        for choice in _plain(override):
            if choice not in choices[key]:
                yield f"{choice} is no choice of {key}; there are {', '.join(choices[key])}"
    elif not override.is_hydra_override():
        yield from _wrong_section(key, value)


def _wrong_section(key: str, value: Any) -> Iterator[str]:
    """What is wrong with the keys of a value that is itself a mapping, as in ``train={lr: 1e-3}``."""
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        if name == "_target_":
            yield "a configuration cannot name code to run"
        elif f"{key}.{name}" not in known_keys():
            yield unknown_key(f"{key}.{name}")
        else:
            yield from _wrong_section(f"{key}.{name}", inner)


def _plain(override: Override) -> list[str]:
    """The value or values of an override as texts."""
    if override.is_sweep_override():
        return [str(value) for value in override.sweep_string_iterator()] if override.is_discrete_sweep() else []
    return [str(override.value())]


def _values(override: Override) -> list[str]:
    """The override once for each value of its sweep."""
    if not override.is_sweep_override():
        return [cast(str, override.input_line)]
    return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]


def _first_words(error: Exception) -> str:
    """Hydra's message without the advice that concerns its developers."""
    return str(error).strip().split("\nSet the env")[0]
