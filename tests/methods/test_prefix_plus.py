"""A prefix outside the softmax: where features and values start."""

import pytest
import torch
from torch.nn.functional import elu

from prefixrun import methods
from prefixrun.config.compose import compose
from prefixrun.methods.init import starting_point
from prefixrun.methods.prefix_plus import PlusPrefix
from prefixrun.models.backbone import Backbone, load


def started(*overrides: str) -> tuple[PlusPrefix, Backbone]:
    config = compose(["model=tiny_gpt2", "method=prefix_plus", *overrides])
    backbone = load(config.model)
    method = methods.build(config, backbone)
    method.initialize(backbone, config)
    assert isinstance(method, PlusPrefix)
    return method, backbone


@pytest.mark.parametrize("init", ["random", "words", "vocab"])
def test_features_have_a_mean_square_of_about_one_and_values_are_zero(init: str) -> None:
    method, _ = started(f"init={init}", "prefix_len=50")
    features, values = method.prefix["decoder"].detach().unbind(1)
    assert not values.any()
    assert float(features.square().mean()) == pytest.approx(1, abs=0.1)


def test_words_give_the_directions_of_their_keys() -> None:
    words = ("init=words", "init_words=abcd", "prefix_len=5")
    method, backbone = started(*words)
    target = starting_point(backbone, compose(["model=tiny_gpt2", "method=prefix_plus", *words]))
    assert target is not None
    keys = elu(target["decoder"][:, 0])
    features = method.prefix["decoder"].detach()[:, 0]
    torch.testing.assert_close(features * keys.square().mean(dim=-1, keepdim=True).sqrt(), keys)


def test_its_rank_is_the_length_and_a_longer_one_than_the_head_has_every_matrix() -> None:
    method, backbone = started("init=random", f"prefix_len={3}")
    with torch.no_grad():
        method.prefix["decoder"].normal_()
        (term, *_) = method.terms("decoder", method.prefix["decoder"])
        matrix = term.features.transpose(1, 2) @ term.values
    assert matrix.shape == (backbone.shape.kv_heads, backbone.shape.head_dim, backbone.shape.head_dim)
    assert torch.linalg.matrix_rank(matrix).tolist() == [3] * backbone.shape.kv_heads
