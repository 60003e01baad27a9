"""Embedding-only tuning: computed from a table by the frozen model, and only the table is kept."""

from dataclasses import replace

import pytest
import torch

from prefixrun.config.compose import compose
from prefixrun.config.schema import Config
from prefixrun.methods import build, restore
from prefixrun.methods.embedding import FixedEmbedding
from prefixrun.methods.init import activations, word_ids
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Row

ROWS = [Row((5, 6, 7, 256), ((8, 9, 256), (10, 256))), Row((4, 256), ((3, 256),))]


def config(*words: str) -> Config:
    return compose(["model=tiny_gpt2", "method=embedding", "prefix_len=4", *words])


@pytest.mark.parametrize("mlp", ["true", "false"])
def test_every_parameter_gets_a_gradient_and_the_model_none(backbone: Backbone, mlp: str) -> None:
    method = build(config(f"method.mlp={mlp}"), backbone)
    with method.attach(backbone):
        method.target_states(backbone, method.collate(backbone, ROWS, "token_mean")).square().mean().backward()
    for name, parameter in method.named_parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().sum() > 0, name
    assert all(parameter.grad is None for parameter in backbone.model.parameters())


@torch.no_grad()
def test_started_from_words_it_is_the_words(backbone: Backbone) -> None:
    asked = config("method.mlp=false", "init=words", "init_words=abc")
    method = build(asked, backbone)
    assert method.initialize(backbone, asked) == 0.0
    expected = activations(backbone, word_ids(backbone, "abc", None, 4))
    torch.testing.assert_close(method.key_values(backbone)["decoder"], expected)


@torch.no_grad()
def test_in_use_it_is_the_trained_one_whatever_stands_on_the_model(backbone: Backbone) -> None:
    method = build(config(), backbone)
    fixed = restore(config(), backbone, method.trained_tensors())
    assert isinstance(fixed, FixedEmbedding)
    plain = method.key_values(backbone)["decoder"]
    assert torch.equal(fixed.key_values(backbone)["decoder"], plain)
    assert fixed.trained_tensors().keys() == method.trained_tensors().keys()
    with method.attach(backbone):
        assert torch.equal(method.key_values(backbone)["decoder"], plain), "virtual tokens see nothing in front of them"


def test_dropout_is_on_while_training_alone(backbone: Backbone) -> None:
    asked = config("method.prefix_dropout=0.5")
    method = build(asked, backbone)
    method.eval()
    still = method.key_values(backbone)["decoder"]
    assert torch.equal(still, method.key_values(backbone)["decoder"])
    method.train()
    torch.manual_seed(3)
    dropped = method.key_values(backbone)["decoder"]
    torch.manual_seed(3)
    assert torch.equal(dropped, method.key_values(backbone)["decoder"])
    assert 0.3 < float((dropped == 0).float().mean()) < 0.7
    assert replace(asked.method, prefix_dropout=0.0) == compose(["method=embedding"]).method
