"""Prefixes of one attention module: shared by a batch, one for each row, and one behind another."""

import torch
from torch import Tensor

from prefixrun.models.masks import padding_mask
from prefixrun.models.prefix_kv import PrefixKV, at_layers, fold_rows, row_prefix_kv, shared_prefix_kv, unfold_rows

LAYERS, HEADS, HEAD_DIM = 2, 3, 4


def drawn(length: int, seed: int) -> Tensor:
    """Keys and values: (layers, 2, kv_heads, length, head_dim)."""
    return torch.randn(LAYERS, 2, HEADS, length, HEAD_DIM, generator=torch.Generator().manual_seed(seed))


def test_a_shared_prefix_has_one_entry_in_the_backbones_format() -> None:
    tensor = drawn(5, 0)
    (site, per_layer), *rest = shared_prefix_kv({"decoder": tensor}, torch.bfloat16).items()
    assert (site, rest, len(per_layer)) == ("decoder", [], LAYERS)
    for layer, prefix in enumerate(per_layer):
        assert torch.equal(prefix.keys, tensor[layer, :1].bfloat16())
        assert torch.equal(prefix.values, tensor[layer, 1:].bfloat16())
        assert prefix.bias is None


def test_each_row_has_its_prefix_padded_to_the_longest() -> None:
    short, long = drawn(2, 1), drawn(5, 2)
    for layer, prefix in enumerate(row_prefix_kv([short, long], torch.tensor([1, 0, 1]), torch.float32)):
        assert prefix.keys.shape == prefix.values.shape == (3, HEADS, 5, HEAD_DIM)
        assert prefix.bias is not None
        assert (prefix.bias == 0).sum(dim=3).flatten().tolist() == [5, 2, 5]
        for row, (tensor, length) in enumerate([(long, 5), (short, 2), (long, 5)]):
            assert torch.equal(prefix.keys[row, :, :length], tensor[layer, 0])
            assert torch.equal(prefix.values[row, :, :length], tensor[layer, 1])
            assert (prefix.bias[row, ..., :length] == 0).all()


def test_one_prefix_behind_another_keeps_order_padding_and_entries() -> None:
    first = PrefixKV(*drawn(2, 3)[0].unsqueeze(1))
    padding = torch.tensor([[False, False, True], [False, False, False]])
    second = PrefixKV(*torch.randn(2, 2, HEADS, 3, HEAD_DIM), bias=padding_mask(padding, torch.float32))
    joined = first.followed_by(second)
    for entry in range(2):
        assert torch.equal(joined.keys[entry], torch.cat([first.keys[0], second.keys[entry]], dim=1))
        assert torch.equal(joined.values[entry], torch.cat([first.values[0], second.values[entry]], dim=1))
    assert joined.bias is not None
    assert (joined.bias == 0)[:, 0, 0].tolist() == [[True] * 4 + [False], [True] * 5]


def test_entries_are_selected_with_their_padding() -> None:
    padding = torch.tensor([[False, True], [False, False]])
    prefix = PrefixKV(*torch.randn(2, 2, HEADS, 2, HEAD_DIM), bias=padding_mask(padding, torch.float32))
    swapped = prefix.select(torch.tensor([1, 0]))
    assert torch.equal(swapped.keys, prefix.keys.flip(0))
    assert torch.equal(swapped.values, prefix.values.flip(0))
    assert swapped.bias is not None
    assert torch.equal(swapped.bias, prefix.bias.flip(0))  # type: ignore[union-attr]
    plain = PrefixKV(prefix.keys, prefix.values)
    assert plain.select(torch.tensor([1])).bias is None


def test_layers_that_are_left_out_have_none() -> None:
    assert at_layers("ab", (0, 2), 4) == ["a", None, "b", None]
    assert at_layers("abc", None, 3) == ["a", "b", "c"]


def test_rows_are_folded_behind_the_entry_that_they_read_and_come_back() -> None:
    tensor = torch.randn(4, HEADS, 2, 3, HEAD_DIM)  # two entries serve two rows each
    folded = fold_rows(tensor, 2)
    assert torch.equal(folded[1, 0, :6].view(2, 3, HEAD_DIM), tensor[2, 0])
    assert torch.equal(unfold_rows(folded, 4, 2, 3), tensor)
