"""Adapters: where they stand, how many numbers they have, and what they compute."""

import pytest
import torch
from torch import nn
from transformers import PreTrainedModel

from prefixrun import methods
from prefixrun.config.schema import Config
from prefixrun.methods import adapter
from prefixrun.models.architectures import configuration, from_configuration
from prefixrun.models.loading import load
from prefixrun.runs.configure import compose

FORMS = ("block", "houlsby")


def on_meta(architecture: str) -> PreTrainedModel:
    with torch.device("meta"):
        return from_configuration(configuration(architecture))


def config(*changes: str) -> Config:
    return compose(["method=adapter", *changes])


@pytest.mark.parametrize(
    ("architecture", "bottleneck", "numbers"),
    [
        ("gpt2_medium", 224, 11_089_152),
        ("gpt2_medium", 100, 4_991_328),
        ("gpt2_medium", 6, 368_784),
        ("gpt2_large", 248, 23_002_848),
        ("gpt2_large", 8, 875_808),
    ],
)
def test_numbers_of_the_papers_adapters(architecture: str, bottleneck: int, numbers: int) -> None:
    """11.09M, 0.37M and, for Large, 23.00M and 0.88M are also the counts of Hu et al. 2021 (LoRA), table 3."""
    model = on_meta(architecture)
    with torch.device("meta"):
        method = adapter.Adapters(adapter.target_modules(model, "block"), model.config.hidden_size, bottleneck)
    assert method.trained_count == method.stored_count == numbers


@pytest.mark.parametrize(
    ("architecture", "form", "places"),
    [
        ("tiny_gpt2", "block", ["transformer.h.0", "transformer.h.1"]),
        ("tiny_gpt2", "houlsby", [f"transformer.h.{i}.{name}" for i in (0, 1) for name in ("attn", "mlp")]),
        ("tiny_llama", "houlsby", [f"model.layers.{i}.{name}" for i in (0, 1, 2) for name in ("self_attn", "mlp")]),
        ("tiny_bart", "block", [f"model.{stack}.layers.{i}" for stack in ("encoder", "decoder") for i in (0, 1)]),
        (
            "tiny_bart",
            "houlsby",
            [f"model.encoder.layers.{i}.{name}" for i in (0, 1) for name in ("self_attn", "fc2")]
            + [f"model.decoder.layers.{i}.{name}" for i in (0, 1) for name in ("self_attn", "encoder_attn", "fc2")],
        ),
        (
            "tiny_t5",
            "houlsby",
            [f"encoder.block.{i}.layer.{name}" for i in (0, 1) for name in ("0.SelfAttention", "1.DenseReluDense")]
            + [
                f"decoder.block.{i}.layer.{name}"
                for i in (0, 1)
                for name in ("0.SelfAttention", "1.EncDecAttention", "2.DenseReluDense")
            ],
        ),
    ],
)
def test_where_they_stand(architecture: str, form: str, places: list[str]) -> None:
    assert adapter.target_modules(on_meta(architecture), form) == places


def by_hand(weights: dict[str, torch.Tensor], place: str, states: torch.Tensor) -> torch.Tensor:
    part = {name: weights[f"{place}.adapter.{name}"] for name in ("norm.weight", "norm.bias")}
    normed = nn.functional.layer_norm(states, states.shape[-1:], part["norm.weight"], part["norm.bias"])
    down = normed @ weights[f"{place}.adapter.down.weight"].T + weights[f"{place}.adapter.down.bias"]
    return states + down.clamp(min=0) @ weights[f"{place}.adapter.up.weight"].T + weights[f"{place}.adapter.up.bias"]


@torch.no_grad()
@pytest.mark.parametrize("form", FORMS)
def test_what_they_compute(form: str) -> None:
    """A block of GPT-2 written out, with its adapters."""
    backbone = load(compose(["model=tiny_gpt2"]).model)
    method = methods.build(config("method.bottleneck=5", f"method.adapter_form={form}"), backbone)
    for parameter in method.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.3)
    weights, block = method.trained_tensors(), backbone.model.get_submodule("transformer.h.0")
    states = torch.randn(1, 4, 32)
    attended = block.attn(block.ln_1(states))[0]  # type: ignore[operator]
    if form == "houlsby":
        attended = by_hand(weights, "transformer.h.0.attn", attended)
    middle = states + attended
    forward = block.mlp(block.ln_2(middle))  # type: ignore[operator]
    expected = (
        middle + by_hand(weights, "transformer.h.0.mlp", forward)
        if form == "houlsby"
        else by_hand(weights, "transformer.h.0", middle + forward)
    )
    with method.attach(backbone):
        found = block(states)
    found = found[0] if isinstance(found, tuple) else found  # transformers 5.0
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
