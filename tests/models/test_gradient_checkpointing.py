"""Gradient checkpointing: the same gradients from less memory, whatever a method attaches."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from prefixrun import methods
from prefixrun.config.compose import compose
from prefixrun.models.backbone import Backbone
from prefixrun.models.blocks import blocks, stacks
from prefixrun.models.gradient_checkpointing import checkpointed_blocks
from prefixrun.models.loading import load
from prefixrun.training.loss import target_nll
from tiny_methods import ROWS

WORDS = {
    "prefix": ("method=prefix", "method.mid_dim=16"),
    "prefix_flat": ("method=prefix_flat", "method.prefix_dropout=0.3"),
    "prefix_gated": ("method=prefix_gated", "method.prefix_dropout=0.3"),
    "prefix_plus": ("method=prefix_plus", "method.layers=1"),
    "prefix_plus_unrotated": ("method=prefix_plus", "method.query=unrotated"),
    "embedding": ("method=embedding", "method.mid_dim=16"),
    "infix": ("method=infix", "method.mid_dim=16"),
    "finetune": ("method=finetune",),
    "finetune_top": ("method=finetune_top", "method.layers=1"),
    "adapter": ("method=adapter", "method.bottleneck=8"),
    "houlsby": ("method=adapter", "method.bottleneck=8", "method.adapter_form=houlsby"),
    "lora": ("method=lora", "method.rank=4", "method.lora_dropout=0.2"),
}
INITIALISED = ("prefix", "prefix_flat", "prefix_gated", "prefix_plus", "prefix_plus_unrotated", "embedding", "infix")
MODELS = ("tiny_gpt2", "tiny_llama", "tiny_bart", "tiny_t5")


def gradients(method: methods.Method, backbone: Backbone) -> dict[str, Tensor]:
    """Of a step with the dropout of language model and method on."""
    method.zero_grad()
    method.train()
    backbone.model.train()
    torch.manual_seed(0)
    with method.attach(backbone):
        batch = method.collate(backbone, ROWS, "token_mean")
        states = method.target_states(backbone, batch)
        target_nll(states, backbone.head, batch.labels, batch.factors, bias=backbone.head_bias).backward()
    backbone.model.eval()
    return {name: value.grad.clone() for name, value in method.named_parameters() if value.grad is not None}


@pytest.mark.parametrize(
    ("name", "model"),
    [(name, model) for model in MODELS for name in WORDS if model in MODELS[:2] or name not in ("embedding", "infix")],
)
def test_gradients_are_the_same_to_the_bit(name: str, model: str) -> None:
    config = compose(
        [f"model={model}", *(["prefix_len=4", "init=random"] if name in INITIALISED else []), *WORDS[name]]
    )
    backbone = load(config.model)
    method = methods.build(config, backbone)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)), alpha=0.05)
    plain = gradients(method, backbone)
    with checkpointed_blocks(backbone.model):
        checkpointed = gradients(method, backbone)
    assert plain.keys() == checkpointed.keys() == dict(method.named_parameters()).keys()
    for value, other in zip(plain.values(), checkpointed.values(), strict=True):
        assert torch.equal(value, other)
    assert any(value.abs().max() > 0 for value in plain.values())
    for each in (block for stack in stacks(backbone.model) for block in blocks(stack)):
        assert "forward" not in vars(each)


@pytest.fixture
def saved_bytes() -> Iterator[list[int]]:
    """How much a graph holds on to, tensor by tensor, as long as the fixture lives."""
    sizes: list[int] = []

    def pack(tensor: Tensor) -> Tensor:
        sizes.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield sizes


@pytest.mark.parametrize("model", MODELS)
def test_less_is_kept_for_the_gradients(model: str, saved_bytes: list[int]) -> None:
    config = compose([f"model={model}", "method=prefix_flat", "prefix_len=4", "init=random"])
    backbone = load(config.model)
    method = methods.build(config, backbone)

    def kept() -> int:
        saved_bytes.clear()
        with method.attach(backbone):
            method.target_states(backbone, method.collate(backbone, ROWS, "token_mean"))
        return sum(saved_bytes)

    plain = kept()
    with checkpointed_blocks(backbone.model):
        assert kept() < plain / 2
        with torch.no_grad():
            kept()
