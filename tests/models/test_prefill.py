"""The prompts of a search as a prefix of what its beams write."""

import torch

from prefixrun.models.prefill import prompt_prefix_kv
from prefixrun.models.prefix_kv import PrefixKV

KEYS, VALUES = torch.randn(2, 2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
PADDING = torch.tensor([[False, False, False, True], [False] * 4])
PADDING_SEEN = [[True, True, True, False], [True] * 4]


def test_without_a_prefix_the_prompts_stand_alone() -> None:
    (prompt,) = prompt_prefix_kv(None, [(KEYS, VALUES)], PADDING)
    assert torch.equal(prompt.keys, KEYS)
    assert torch.equal(prompt.values, VALUES)
    assert prompt.bias is not None
    assert (prompt.bias == 0)[:, 0, 0].tolist() == PADDING_SEEN


def test_the_trained_prefix_stands_before_every_prompt() -> None:
    prefix = PrefixKV(torch.ones(1, 3, 2, 5), -torch.ones(1, 3, 2, 5))
    (joined,) = prompt_prefix_kv([prefix], [(KEYS, VALUES)], PADDING)
    assert torch.equal(joined.keys[:, :, :2], torch.ones(2, 3, 2, 5))
    assert torch.equal(joined.values[:, :, :2], -torch.ones(2, 3, 2, 5))
    assert torch.equal(joined.keys[:, :, 2:], KEYS)
    assert torch.equal(joined.values[:, :, 2:], VALUES)
    assert joined.bias is not None
    assert (joined.bias == 0)[:, 0, 0].tolist() == [[True] * 2 + seen for seen in PADDING_SEEN]


def test_a_layer_without_a_prefix_has_the_prompts_at_their_positions() -> None:
    prefix = PrefixKV(torch.ones(1, 3, 2, 5), -torch.ones(1, 3, 2, 5))
    behind, alone = prompt_prefix_kv([prefix, None], [(KEYS, VALUES)] * 2, PADDING, offset=2)
    assert torch.equal(alone.keys, KEYS)
    assert alone.select(torch.tensor([1])).positions.tolist() == [[2, 3, 4, 5]]
    assert torch.equal(alone.positions, behind.positions[:, 2:])
