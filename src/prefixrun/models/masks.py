"""Additive attention masks: 0 where a query sees a key, the lowest number of the format where it does not.

The lowest finite number stands for minus infinity, because the softmax of a row that sees nothing, as rows of padding
do, would not be a number.
"""

from __future__ import annotations

import torch
from torch import Tensor


def causal_mask(length: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(1, 1, length, length): each position sees itself and those before it."""
    hidden = torch.full((length, length), torch.finfo(dtype).min, dtype=dtype, device=device)
    return hidden.triu(1)[None, None]


def padding_mask(padding: Tensor, dtype: torch.dtype) -> Tensor:
    """(rows, 1, 1, length): no query sees a key where `padding` (rows, length) is true."""
    mask = torch.zeros(padding.shape, dtype=dtype, device=padding.device)
    return mask.masked_fill_(padding, torch.finfo(dtype).min)[:, None, None, :]
