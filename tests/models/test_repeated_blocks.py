"""Passes that start at a block: the states of a whole pass, from fewer blocks."""

import pytest
import torch
from torch import Tensor

from prefixrun.methods.base import Method
from prefixrun.methods.left_out import LeftOut, Part
from prefixrun.models.backbone import Backbone
from prefixrun.models.blocks import blocks, stacks
from prefixrun.models.repeated_blocks import blocks_recorded, blocks_repeated, first_blocks
from tiny_methods import ROWS, prefix_on


def states(method: Method, backbone: Backbone) -> Tensor:
    return method.target_states(backbone, method.collate(backbone, ROWS, "token_mean"))


@pytest.mark.parametrize("model", ["tiny_gpt2", "tiny_llama", "tiny_bart", "tiny_t5"])
@torch.no_grad()
def test_what_is_changed_at_a_layer_is_computed_from_there(model: str) -> None:
    prefix, backbone = prefix_on(f"model={model}")
    with prefix.attach(backbone), blocks_recorded(backbone.model) as recorded:
        whole = states(prefix, backbone)
    for site in backbone.sites:
        for layer in range(backbone.shape.layers):
            changed = LeftOut(prefix, [Part(site, (layer,), (0, 1, 2))])
            with changed.attach(backbone):
                expected = states(changed, backbone)
            first = first_blocks(backbone.model, {site: layer})
            assert first == (
                [layer]
                if site == "decoder" and not backbone.is_seq2seq
                else {
                    "encoder": [layer, 0],
                    "decoder": [backbone.shape.layers, layer],
                    "cross": [backbone.shape.layers, layer],
                }[site]
            )
            with changed.attach(backbone), blocks_repeated(backbone.model, recorded, first):
                assert torch.equal(states(changed, backbone), expected)
            assert not torch.equal(expected, whole)
    assert not any("forward" in vars(block) for stack in stacks(backbone.model) for block in blocks(stack))


@torch.no_grad()
def test_blocks_below_are_not_computed() -> None:
    prefix, backbone = prefix_on("model=tiny_gpt2")
    with prefix.attach(backbone), blocks_recorded(backbone.model) as recorded:
        states(prefix, backbone)
    called: list[int] = []
    for number, block in enumerate(blocks(stacks(backbone.model)[0])):
        for module in block.children():
            module.register_forward_pre_hook(lambda *_, number=number: called.append(number))
    with prefix.attach(backbone), blocks_repeated(backbone.model, recorded, [1]):
        states(prefix, backbone)
    assert set(called) == {1}
