"""The configurations of a command, with the sizes that their budgets ask for.

`prefixrun.config.compose` composes and knows no model; the functions of the same names here also solve budgets, so that
all that follows sees one number, however it was asked for.
"""

from functools import partial

from prefixrun.config import compose as unsolved
from prefixrun.config.schema import Config


def solve_budget(config: Config) -> Config:
    """The configuration with the size that its budget asks for. Errors as methods.budget.solved."""
    from prefixrun.methods.budget import solved  # imports torch, which only a budget needs before a run

    return solved(config)


compose = partial(unsolved.compose, solve=solve_budget)
configurations = partial(unsolved.configurations, solve=solve_budget)
sweep_points = partial(unsolved.sweep_points, solve=solve_budget)
from_hydra = partial(unsolved.from_hydra, solve=solve_budget)
