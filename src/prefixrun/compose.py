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
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from prefixrun.conf_tree import conf_dir, groups
from prefixrun.errors import ConfigError
from prefixrun.overrides import checked, each_value
from prefixrun.schema import Config
from prefixrun.validate import build, defaults, read, refusal

CONFIG_NAME = "config"
VERSION_BASE = "1.3"


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
        good = checked(overrides, multirun, groups(config_dir), problems)
        for job in product(*(each_value(override) for override in good)):
            try:
                composed = hydra.compose(CONFIG_NAME, overrides=[*_search_path(config_dir), *job])
            except (HydraException, OmegaConfBaseException, YAMLError) as error:
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
        checked(overrides, multirun, groups(config_dir), problems)
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


def _first_words(error: Exception) -> str:
    """Hydra's message without the advice that concerns its developers."""
    return str(error).strip().split("\nSet the env")[0]
