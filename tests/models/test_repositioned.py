"""Keys and values of some tokens of a text at positions of their own, on every family."""

import pytest
import torch

import tiny_families
from prefixrun.methods.init import by_site
from prefixrun.models.repositioned import key_values_at

IDS = tuple(range(60, 74))
INDICES = (0, 2, 5, 9, 13)
UNROTATED = ("gpt2", "gpt_bigcode", "opt", *tiny_families.ENCODER_DECODER)
"""Families whose keys know of no position but by the hidden states."""


@pytest.mark.parametrize("family", tiny_families.FAMILIES)
def test_values_are_those_of_the_whole_text_and_keys_move(family: str) -> None:
    backbone = tiny_families.backbone_of(family)
    whole, moved = by_site(backbone, list(IDS)), key_values_at(backbone, IDS, INDICES)
    assert set(moved) == set(backbone.sites)
    for site, tensor in moved.items():
        expected = whole[site][:, :, :, list(INDICES)]
        torch.testing.assert_close(tensor[:, 1], expected[:, 1])
        if family in UNROTATED:
            torch.testing.assert_close(tensor[:, 0], expected[:, 0])
    if family in UNROTATED:
        return
    # The first layer's inputs have seen nothing: its keys are those of these tokens at the positions of the prefix.
    alone = by_site(backbone, [IDS[index] for index in INDICES])["decoder"]
    torch.testing.assert_close(moved["decoder"][0, 0], alone[0, 0])
    keys, before = moved["decoder"][:, 0], whole["decoder"][:, 0][:, :, list(INDICES)]
    torch.testing.assert_close(keys.norm(dim=-1), before.norm(dim=-1))  # a rotation
    if family != "smollm3":  # its first layer rotates nothing
        assert not torch.allclose(keys[0], before[0], atol=1e-3)


@pytest.mark.parametrize("family", tiny_families.FAMILIES)
def test_all_tokens_in_their_places_are_the_text(family: str) -> None:
    backbone = tiny_families.backbone_of(family)
    whole, same = by_site(backbone, list(IDS)), key_values_at(backbone, IDS, range(len(IDS)))
    for site, tensor in whole.items():
        torch.testing.assert_close(same[site], tensor)
