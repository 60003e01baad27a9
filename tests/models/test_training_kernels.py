"""A frozen model computes the same with the faster operators, and is as before afterwards."""

import sys
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from prefixrun.config.schema import ModelConfig
from prefixrun.methods.prefix_flat import FlatPrefix
from prefixrun.models import attention, training_kernels
from prefixrun.models.attention import attention_sites
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Row
from prefixrun.models.frozen_linear import has_operator
from prefixrun.models.loading import load
from prefixrun.training.batch_loss import batch_loss
from tiny_families import FAMILIES, backbone_of

pytestmark = pytest.mark.needs("onednn")

WIDTH, INNER = 32, 64
"""Of tiny_llama."""
ROWS = [Row((3, 1, 4, 1, 5), ((9, 2, 6), (5, 3))), Row((5, 8, 9), ((7, 9, 3, 2),))]


def llama() -> Backbone:
    return load(ModelConfig(name="tiny_llama", source="random", architecture="tiny_llama"))


def loss_and_gradients(backbone: Backbone) -> list[Tensor]:
    torch.manual_seed(0)
    method = FlatPrefix(backbone.shape, backbone.sites, 4)
    rows = [Row(row.source, row.targets[:1]) for row in ROWS] if backbone.is_seq2seq else ROWS
    loss = batch_loss(method, backbone, method.collate(backbone, rows, "token_mean"))
    loss.backward()
    return [loss, *(parameter.grad for parameter in method.parameters())]


@pytest.mark.parametrize("family", FAMILIES)
def test_loss_and_gradients_of_every_family(family: str) -> None:
    backbone = backbone_of(family)
    plain = loss_and_gradients(backbone)
    with training_kernels.training_kernels(backbone.model):
        faster = loss_and_gradients(backbone)
        replaced = [module for module in backbone.model.modules() if "forward" in vars(module)]
    assert replaced
    for ours, theirs in zip(faster, plain, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)
    assert not any("forward" in vars(module) for module in backbone.model.modules())
    for ours, theirs in zip(loss_and_gradients(backbone), plain, strict=True):
        assert torch.equal(ours, theirs)


def test_what_llama_is_made_of_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = llama()
    counts = dict.fromkeys(("rms_norm", "gated_silu", "frozen_linear", "rotary"), 0)

    def counted(name: str, function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            counts[name] += 1
            return function(*arguments)

        return call

    for name in counts:
        monkeypatch.setattr(training_kernels, name, counted(name, getattr(training_kernels, name)))
    counts["attend"] = 0
    monkeypatch.setattr(attention, "attend", counted("attend", attention.attend))
    with training_kernels.training_kernels(backbone.model):
        counts.update(dict.fromkeys(counts, 0))  # the comparisons on random numbers
        loss_and_gradients(backbone)
    # Three layers: two norms each and the last, queries, keys, values and output each.
    assert counts == {"rms_norm": 7, "gated_silu": 3, "frozen_linear": 12, "rotary": 3, "attend": 3}


def test_a_module_that_computes_something_else_is_left_alone() -> None:
    backbone = llama()
    first, second, _ = backbone.model.model.layers
    first.mlp.act_fn = nn.ReLU()
    with training_kernels.training_kernels(backbone.model):
        assert "forward" not in vars(first.mlp)
        assert "forward" in vars(second.mlp)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("width", [32, 1024])
def test_a_layer_of_another_kind_is_told_apart_in_every_format(width: int, dtype: torch.dtype) -> None:
    norm = nn.LayerNorm(width, bias=False)
    gated = llama().model.model.layers[0].mlp
    for name, size in (("gate_proj", (64, width)), ("up_proj", (64, width)), ("down_proj", (width, 64))):
        setattr(gated, name, nn.Linear(size[1], size[0], bias=False))
        nn.init.normal_(getattr(gated, name).weight, std=0.02, generator=torch.Generator().manual_seed(0))
    gated.act_fn = nn.GELU()
    for module in (norm, gated):
        module.to(dtype).requires_grad_(False)
    assert training_kernels._norm(norm) is None
    assert training_kernels._gated_layer(gated) is None
    gated.act_fn = nn.SiLU()
    training_kernels._compared.clear()
    assert (training_kernels._gated_layer(gated) is not None) is has_operator(dtype)


def test_a_module_with_other_weights_or_parts_computes_with_them() -> None:
    backbone = llama()
    mlp, norm = backbone.model.model.layers[0].mlp, backbone.model.model.norm
    x = torch.randn(3, WIDTH, generator=torch.Generator().manual_seed(0))
    with training_kernels.training_kernels(backbone.model):
        mlp.up_proj = nn.Linear(WIDTH, INNER, bias=False).requires_grad_(False)
        mlp.down_proj._parameters["weight"] = torch.ones(WIDTH, INNER, requires_grad=True)
        norm._parameters["weight"] = torch.full((WIDTH,), 2.0, requires_grad=True)
        with_others = mlp(x), norm(x)
    for ours, theirs in zip(with_others, (mlp(x), norm(x)), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
        assert ours.requires_grad


@pytest.mark.needs("onednn_bf16")
@pytest.mark.parametrize("family", FAMILIES)
def test_in_bfloat16_gradients_are_as_near_to_those_of_float32_as_the_model_s_own(family: str) -> None:
    backbone = deepcopy(backbone_of(family))
    exact = loss_and_gradients(backbone)
    nn.Module.to(backbone.model, torch.bfloat16)
    plain = loss_and_gradients(backbone)
    with training_kernels.training_kernels(backbone.model):
        faster = loss_and_gradients(backbone)
        assert any("forward" in vars(module) for module in backbone.model.modules())
    errors = [sum((ours - theirs).norm() for ours, theirs in zip(each, exact, strict=True)) for each in (faster, plain)]
    assert errors[0] <= 2 * errors[1]


def test_other_number_formats_are_left_alone() -> None:
    backbone = llama()
    nn.Module.to(backbone.model, torch.float16)
    with training_kernels.training_kernels(backbone.model):
        assert not any("forward" in vars(module) for module in backbone.model.modules())


def test_the_module_of_transformers_is_as_before_after_a_block_that_fails() -> None:
    backbone = llama()
    source = sys.modules[type(attention_sites(backbone.model)["decoder"][0]).__module__]
    plain = getattr(source, training_kernels.ROTARY)
    try:
        with training_kernels.training_kernels(backbone.model):
            replaced = getattr(source, training_kernels.ROTARY)
            raise KeyError
    except KeyError:
        assert getattr(source, training_kernels.ROTARY) is plain
    assert replaced is not plain
