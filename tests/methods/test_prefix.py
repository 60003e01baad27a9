"""The prefix: how many parameters, in which layout, and that the exported one is the trained one."""

import pytest
import torch
from torch import Tensor

from prefixrun.config.schema import MethodConfig
from prefixrun.methods.prefix import MLPPrefix, Prefix
from prefixrun.methods.prefix_flat import FlatPrefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.families import Shape
from prefixrun.models.prefix_kv import shared_prefix_kv

DECODER = ("decoder",)
MLP = MethodConfig(name="prefix", mid_dim=48)
FLAT = MethodConfig(name="prefix_flat")


def test_grouped_heads_make_a_smaller_prefix(backbone: Backbone) -> None:
    prefix = a_prefix(FLAT, backbone.shape, 4, 0)
    heads = backbone.model.config.num_attention_heads
    expected = {"gpt2": (2, 2, heads, 4, 8), "llama": (3, 2, heads // 2, 4, 8)}
    assert flat_of(prefix).shape == expected[backbone.model.config.model_type]


def test_the_layout_is_the_one_of_the_papers_code(backbone: Backbone) -> None:
    """Its view and split: (l, 2 L, heads, d / heads) to L pairs of (l, heads, d / heads), keys first."""
    shape: Shape = backbone.shape
    prefix = a_prefix(MLP, shape, 4, 0)
    assert isinstance(prefix, MLPPrefix)
    part = prefix.parts["decoder"]
    down, up = part.mlp[0], part.mlp[2]
    rows = torch.tanh(part.embedding.weight @ down.weight.T + down.bias) @ up.weight.T + up.bias
    past = rows.view(4, 2 * shape.layers, shape.kv_heads, shape.head_dim).permute(1, 2, 0, 3)
    for layer, pair in enumerate(past.split(2)):
        torch.testing.assert_close(flat_of(prefix)[layer, 0], pair[0])
        torch.testing.assert_close(flat_of(prefix)[layer, 1], pair[1])
    for layer, prefix_kv in enumerate(shared_prefix_kv(prefix.stored_key_values(), torch.float32)["decoder"]):
        torch.testing.assert_close(prefix_kv.keys[0], past[2 * layer])
        torch.testing.assert_close(prefix_kv.values[0], past[2 * layer + 1])


def a_prefix(config: MethodConfig, shape: Shape, prefix_len: int, seed: int) -> Prefix:
    torch.manual_seed(seed)
    if config.name == "prefix":
        return MLPPrefix(shape, DECODER, prefix_len, config.mid_dim)
    return FlatPrefix(shape, DECODER, prefix_len)


def flat_of(prefix: Prefix) -> Tensor:
    return prefix.stored_key_values()["decoder"]


def test_the_random_starts() -> None:
    """Standard normal without the MLP; PyTorch's layers with it, which gives keys and values of about 0.27."""
    shape = Shape(layers=4, kv_heads=4, head_dim=32, width=1024, context=64, vocabulary=9, heads=4)
    assert float(flat_of(a_prefix(FLAT, shape, 10, 0)).detach().std()) == pytest.approx(1, abs=0.02)
    prefix = a_prefix(MethodConfig(name="prefix", mid_dim=512), shape, 10, 0)
    assert float(flat_of(prefix).detach().std()) == pytest.approx(0.27, abs=0.03)
