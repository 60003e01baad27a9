"""The configurations of a command, with what depends on the model: the layout of its sequences, the size of a budget.

`prefixrun.config.compose` composes and knows no model; the functions of the same names here also solve these, so that
all that follows sees one layout and one number, however they were asked for.
"""

from functools import partial

from prefixrun.config import compose as unsolved
from prefixrun.config.schema import Config
from prefixrun.models.layouts import with_layout


def solve(config: Config) -> Config:
    """The configuration with its layout and with the size that its budget asks for. Errors as methods.budget.solved."""
    config = with_layout(config)
    if config.budget is None:
        return config
    from prefixrun.methods.budget import solved  # imports torch, which only a budget needs before a run

    return solved(config)


compose = partial(unsolved.compose, solve=solve)
configurations = partial(unsolved.configurations, solve=solve)
sweep_points = partial(unsolved.sweep_points, solve=solve)
from_hydra = partial(unsolved.from_hydra, solve=solve)
