"""The configurations of many commands, with what they share made once.

A composition by Hydra takes a tenth of a second, and a budget builds its method five times. The choices of conf/ do not
change while tests run, and a budget's size depends on the model and the method alone.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import hydra
import pytest
from omegaconf import DictConfig

from prefixrun.config import compose as composition
from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.config.schema import Config
from prefixrun.runs import configure


@contextmanager
def composed_once() -> Iterator[None]:
    """Let the package's compositions of the same choices be shared by all commands within the block."""

    @cache
    def shipped(name: str, overrides: tuple[str, ...], _methods: tuple[str, ...]) -> DictConfig:
        return hydra.compose(name, overrides=list(overrides))

    def compose(name: str, overrides: Sequence[str]) -> DictConfig:
        if any(override.startswith("hydra.searchpath=") for override in overrides):  # files of one test
            return hydra.compose(name, overrides=list(overrides))
        return shipped(name, tuple(overrides), tuple(METHOD_SPECS))

    with pytest.MonkeyPatch.context() as patch:
        sharing = SimpleNamespace(compose=compose, initialize_config_dir=hydra.initialize_config_dir)
        patch.setattr(composition, "hydra", sharing)
        yield


_solved = cache(configure.solve)


def solve_once(config: Config, user_keys: Collection[str]) -> Config:
    """As configure.solve, once for all seeds and training sizes."""
    seedless = replace(config, seed=0, subsample_seed=0, train_size=None, data_fraction=1.0)
    solved = _solved(seedless, frozenset(user_keys))
    return replace(config, prefix_len=solved.prefix_len, method=solved.method, budget=solved.budget, model=solved.model)


def sweep_problems(overrides: Sequence[str], *, multirun: bool = True) -> set[str]:
    """Why points of a command cannot be run; the command has at least one point."""
    points = composition.sweep_points(overrides, multirun=multirun, solve=solve_once)
    assert points
    return {problem for point in points for problem in point.problems}
