"""Masks that are added to attention scores."""

import torch

from prefixrun.models.masks import causal_mask, padding_mask

LOWEST = torch.finfo(torch.float32).min


def test_the_causal_mask() -> None:
    mask = causal_mask(3, torch.float32, torch.device("cpu"))
    assert mask.shape == (1, 1, 3, 3)
    assert (mask[0, 0] == 0).tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert mask.min() == torch.finfo(torch.float32).min


def test_the_padding_mask() -> None:
    mask = padding_mask(torch.tensor([[False, False, True], [False, True, True]]), torch.float32)
    assert mask.shape == (2, 1, 1, 3)
    assert mask[:, 0, 0].tolist() == [[0, 0, LOWEST], [0, LOWEST, LOWEST]]


def test_a_row_that_sees_nothing_still_has_a_softmax() -> None:
    mask = padding_mask(torch.tensor([[True, True]]), torch.float32)
    assert (torch.zeros(1, 1, 1, 2) + mask).softmax(-1).flatten().tolist() == [0.5, 0.5]
