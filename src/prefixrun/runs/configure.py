"""The configurations of a command, with what depends on the model: the layout of its sequences, the size of a budget,
and what a prefix is initialised from.

`prefixrun.config.compose` composes and knows no model; the functions of the same names here also solve these, so that
all that follows sees one layout and one number, however they were asked for.
"""

from collections.abc import Collection
from functools import partial

from prefixrun.config import compose as unsolved
from prefixrun.config.schema import Config
from prefixrun.models.layouts import with_first_layers, with_layout
from prefixrun.runs.combined_runs import with_combination
from prefixrun.runs.source_run import with_init_source, with_teacher


def solve(config: Config, user_keys: Collection[str] = ()) -> Config:
    """The configuration with its layout, what its prefix is initialised or combined from and its teacher reads, and the
    size that its budget asks for.

    user_keys: those that the user set. Errors as with_init_source, with_teacher, with_combination and
    methods.budget.solved.
    """
    config = with_combination(with_teacher(with_init_source(with_first_layers(with_layout(config)), user_keys)))
    if config.budget is None:
        return config
    from prefixrun.methods.budget import solved  # imports torch, which only a budget needs before a run

    return solved(config)


compose = partial(unsolved.compose, solve=solve)
configurations = partial(unsolved.configurations, solve=solve)
sweep_points = partial(unsolved.sweep_points, solve=solve)
recomposed = partial(unsolved.recomposed, solve=solve)
from_hydra = partial(unsolved.from_hydra, solve=solve)
