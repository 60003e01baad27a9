"""Nested prefixes: what a batch uses, and what is cut from a trained one."""

import numpy as np
import pytest
import torch

from prefixrun.config.compose import compose
from prefixrun.config.schema import Config
from prefixrun.errors import ConfigError
from prefixrun.methods.nested import cut, grid, shortest
from prefixrun.models.loading import load
from tiny_methods import ROWS, moved, states

METHODS = ("prefix", "prefix_flat", "prefix_gated", "prefix_plus")


def config_of(name: str, *overrides: str) -> Config:
    words = ["model=tiny_llama", f"method={name}", "prefix_len=5", "init=random", "method.nested=true"]
    return compose([*words, *(["method.mid_dim=8"] if name == "prefix" else []), *overrides])


@pytest.mark.parametrize("name", METHODS)
def test_a_batch_sees_what_a_prefix_of_the_drawn_length_is(name: str) -> None:
    """Keys, values, gates and the positions of the text behind them; in use it is whole."""
    config = config_of(name)
    backbone = load(config.model)
    method = moved(config, backbone)
    whole, drawn = states(method.eval(), backbone), set()
    for number in range(12):
        method.train().begin_batch(np.random.default_rng([1, number]))
        drawn.add(method.used_len)
        shorter, alone = cut(config, backbone, method.trained_tensors(), method.used_len)
        assert shorter.prefix_len == method.used_len
        torch.testing.assert_close(states(method, backbone), states(alone, backbone))
    assert drawn == {1, 2, 3, 4, 5}
    assert torch.equal(states(method.eval(), backbone), whole)


def test_without_it_every_batch_uses_all_positions() -> None:
    config = config_of("prefix_flat", "method.nested=false")
    method = moved(config, load(config.model)).train()
    for number in range(5):
        method.begin_batch(np.random.default_rng(number))
        assert method.used_len == 5


def test_positions_that_are_not_drawn_have_no_gradient() -> None:
    config = config_of("prefix_flat")
    backbone = load(config.model)
    method = moved(config, backbone).train()
    seed = next(seed for seed in range(99) if np.random.default_rng(seed).integers(1, 5, endpoint=True) == 2)
    method.begin_batch(np.random.default_rng(seed))
    with method.attach(backbone):
        method.target_states(backbone, method.collate(backbone, ROWS, "token_mean")).sum().backward()
    (parameter,) = method.parameters()
    assert parameter.grad is not None
    assert [bool(parameter.grad[:, :, :, index].any()) for index in range(5)] == [True, True, False, False, False]


def test_the_lengths_that_are_measured() -> None:
    assert grid(1) == [1]
    assert grid(8) == [1, 2, 5, 8]
    assert grid(40) == [1, 2, 5, 10, 20, 40]


def test_the_shortest_length_within_the_tolerance_of_the_best() -> None:
    assert shortest({1: 1.5, 2: 1.309, 4: 1.3, 8: 1.305}) == 2
    assert shortest({1: 1.5, 2: 1.311, 4: 1.3, 8: 1.305}) == 4


def test_methods_without_it_refuse_it() -> None:
    with pytest.raises(ConfigError, match=r"^method\.nested=True: is not used by method=finetune, only by prefix, "):
        compose(["method=finetune", "method.nested=true"])
