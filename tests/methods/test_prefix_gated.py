"""A gated prefix: a gate for every query head, and what each step can move."""

import torch

from prefixrun import methods
from prefixrun.config.compose import compose
from prefixrun.methods.prefix_gated import GatedPrefix
from prefixrun.models.batches import Row
from prefixrun.models.loading import load


def test_there_is_a_gate_for_each_query_head_and_it_goes_through_tanh() -> None:
    config = compose(["model=tiny_bart", "method=prefix_gated", "prefix_len=2", "init=random", "method.layers=1"])
    backbone = load(config.model)
    method = methods.build(config, backbone)
    assert isinstance(method, GatedPrefix)
    assert {site: tuple(gate.shape) for site, gate in method.gate.items()} == dict.fromkeys(
        backbone.sites, (1, backbone.shape.heads)
    )
    with torch.no_grad():
        method.gate["cross"].fill_(0.5)
    (term,) = method.terms("cross", method.prefix["cross"])
    assert torch.equal(term.gate, torch.tensor(0.5).tanh().expand(backbone.shape.heads))
    assert method.trained_tensors().keys() == {*backbone.sites, *(f"gate.{site}" for site in backbone.sites)}


def test_the_first_gradient_opens_the_gates_and_the_next_one_moves_keys_and_values() -> None:
    config = compose(["model=tiny_gpt2", "method=prefix_gated", "prefix_len=2", "init=random"])
    backbone = load(config.model)
    method = methods.build(config, backbone)
    assert isinstance(method, GatedPrefix)

    def gradients() -> tuple[bool, bool]:
        method.zero_grad()
        with method.attach(backbone):
            batch = method.collate(backbone, [Row((5, 256), ((6, 256),))], "token_mean")
            method.target_states(backbone, batch).square().sum().backward()
        gate, key_values = method.gate["decoder"].grad, method.prefix["decoder"].grad
        assert gate is not None
        assert key_values is not None
        return bool(gate.all()), bool(key_values.any())

    assert gradients() == (True, False)
    with torch.no_grad():
        method.gate["decoder"] += 0.1
    assert gradients() == (True, True)
