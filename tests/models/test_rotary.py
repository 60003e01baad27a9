"""Queries before rotary position embeddings turn them, on every family."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

import tiny_families
from prefixrun.errors import ConfigError
from prefixrun.models import rotary
from prefixrun.models.attention import attach_terms, attention_sites
from prefixrun.models.backbone import Backbone

CHANNELS = {"gemma": 16, "phi": 4, "gpt_neox": 2, "stablelm": 2}
"""Numbers of a head that are turned, where these are not 8."""
ABSOLUTE = ("gpt2", "gpt_bigcode", "opt", *tiny_families.ENCODER_DECODER)
"""Families that turn nothing."""
IDS = torch.tensor([[60, 61, 62, 63, 64, 65, 66], [99, 98, 97, 96, 95, 94, 93]])


class Seen:
    """A term of zero that keeps the queries that it reads."""

    query: Tensor

    def __call__(self, query: Tensor, scaling: float, softcap: float | None) -> Tensor:
        self.query = query
        return query.new_zeros(())


def queries(backbone: Backbone, *, unrotated: bool, first: int = 0) -> list[Tensor]:
    """Of each layer, for a text that begins at a position."""
    model, seen = backbone.model, [Seen() for _ in attention_sites(backbone.model)["decoder"]]
    attach = rotary.attach_terms_of_unrotated if unrotated else attach_terms
    positions = torch.arange(first, first + IDS.shape[1]).unsqueeze(0)
    with torch.no_grad(), attach(model, {"decoder": seen}):
        model.base_model(input_ids=IDS, position_ids=positions, use_cache=False)
    return [each.query for each in seen]


def projected(backbone: Backbone) -> list[Tensor]:
    """What the projection to queries gives, and the norm behind it where there is one, as heads."""
    outputs: list[Tensor] = []
    shape = backbone.shape
    handles = [
        (getattr(module, "q_norm", None) or module.q_proj).register_forward_hook(lambda _, __, out: outputs.append(out))
        for module in attention_sites(backbone.model)["decoder"]
    ]
    queries(backbone, unrotated=False)
    for handle in handles:
        handle.remove()
    heads = (shape.heads, IDS.shape[1], shape.head_dim)
    return [
        out if out.shape[1:] == heads else out.reshape(*IDS.shape, shape.heads, shape.head_dim).transpose(1, 2)
        for out in outputs
    ]


@pytest.mark.parametrize("family", tiny_families.FAMILIES)
def test_how_much_of_a_head_each_family_turns(family: str) -> None:
    backbone = tiny_families.backbone_of(family)
    turned = [rotation.channels for rotation in rotary.rotations(backbone.model).values()]
    if family in ABSOLUTE:
        assert turned == []
    elif family == "smollm3":  # its second layer has no rotary embeddings
        assert turned == [8, 0]
    else:
        assert turned == [CHANNELS.get(family, 8)] * backbone.shape.layers


@pytest.mark.parametrize("family", [name for name in tiny_families.DECODER_ONLY if name not in ABSOLUTE])
def test_they_do_not_depend_on_where_the_text_begins(family: str) -> None:
    backbone = tiny_families.backbone_of(family)
    for layer, (near, far) in enumerate(
        zip(*(queries(backbone, unrotated=True, first=first) for first in (0, 9)), strict=True)
    ):
        torch.testing.assert_close(near, far, rtol=1e-3, atol=1e-4, msg=lambda text, n=layer: f"layer {n}: {text}")
    turned = [queries(backbone, unrotated=False, first=first)[0] for first in (0, 9)]
    assert not torch.allclose(*turned, atol=1e-2)


@pytest.mark.parametrize(
    "family", ["llama", "qwen2", "qwen3", "gemma3_text", "olmo2", "cohere", "phi", "smollm3", "gpt_oss"]
)
def test_they_are_what_the_projection_gives(family: str) -> None:
    """Also where cosines and sines are scaled (YaRN in gpt_oss)."""
    backbone = tiny_families.backbone_of(family)
    for found, expected in zip(queries(backbone, unrotated=True), projected(backbone), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", ["gpt2", "opt"])
def test_without_rotary_embeddings_they_are_those_of_attention_to_the_bit(family: str) -> None:
    backbone = tiny_families.backbone_of(family)
    for found, expected in zip(*(queries(backbone, unrotated=value) for value in (True, False)), strict=True):
        assert torch.equal(found, expected)


def test_no_hook_is_left_and_training_mode_stays() -> None:
    backbone = tiny_families.backbone_of.__wrapped__("llama")
    backbone.model.train()
    queries(backbone, unrotated=True)
    assert all(module.training for module in backbone.model.modules())
    assert not any(module._forward_pre_hooks for module in backbone.model.modules())


def test_what_is_turned_in_another_way_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a function of another name, or by more than turning."""
    backbone = tiny_families.backbone_of.__wrapped__("llama")
    monkeypatch.setattr(rotary, "_rotating", lambda module: rotary._no_rotation)
    refusal = (
        r"^method\.query=unrotated: the rotary position embeddings of a model of type llama cannot be undone, because "
        r"the queries of layer 0 still depend on their positions then; give method\.query=rotated$"
    )
    with pytest.raises(ConfigError, match=refusal):
        rotary.rotations(backbone.model)


def test_an_encoder_decoder_with_rotary_embeddings_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotary, "has_rotary", lambda model: True)
    with pytest.raises(ConfigError, match=r"of type t5 cannot be undone, because it is an encoder-decoder; give"):
        rotary.rotations(tiny_families.backbone_of.__wrapped__("t5").model)


def test_layers_that_are_exchanged_are_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone, calls = tiny_families.backbone_of.__wrapped__("llama"), []
    measured = rotary._measured

    def counted(model: nn.Module) -> Mapping[nn.Module, rotary.Rotation]:
        calls.append(model)
        return measured(model)

    monkeypatch.setattr(rotary, "_measured", counted)
    first = rotary.rotations(backbone.model)
    assert rotary.rotations(backbone.model) is first
    other = tiny_families.backbone_of.__wrapped__("llama").model
    backbone.model.model.layers[1] = other.model.layers[1]
    assert set(rotary.rotations(backbone.model)) == set(attention_sites(backbone.model)["decoder"])
    assert len(calls) == 2
