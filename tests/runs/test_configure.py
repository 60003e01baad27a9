"""Configurations come with the size that their budget asks for, and never without."""

import pytest

from prefixrun.config import compose as unsolved
from prefixrun.runs import configure

BUDGET = ("model=tiny_gpt2", "method=prefix", "budget=5%")


def test_all_ways_to_a_configuration_solve_the_same_budget() -> None:
    config = configure.compose(BUDGET)
    assert config.prefix_len != unsolved.compose(BUDGET[:2]).prefix_len
    assert configure.configurations(BUDGET) == [config]
    assert [point.config for point in configure.sweep_points(BUDGET)] == [config]


@pytest.mark.parametrize("ways", [unsolved.compose, unsolved.configurations, unsolved.sweep_points])
def test_a_budget_without_a_solver_is_a_defect(ways: object) -> None:
    with pytest.raises(AssertionError, match=r"budget=5%: is solved by the functions of prefixrun\.runs\.configure"):
        ways(BUDGET)  # type: ignore[operator]


def test_a_size_of_the_users_takes_the_place_of_a_recipes_budget() -> None:
    words = ("profile=paper", "data_dir=/x", "method=adapter")
    assert configure.compose(words).budget == "3%"
    config = unsolved.compose((*words, "method.bottleneck=4"))
    assert (config.budget, config.method.bottleneck) == (None, 4)
