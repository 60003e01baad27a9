"""Fronts of several prefixes in one batch, each row behind its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from prefixrun.models.attention import PrefixKV


def row_prefix_kv(prefixes: Sequence[Tensor], rows: Tensor, dtype: torch.dtype) -> list[PrefixKV]:
    """For each layer a prefix with one entry a row: that of prefix `rows[i]` for row i, padded to the longest.

    prefixes: (layers, 2, kv_heads, prefix_len, head_dim) each, gradients reach them; rows: (rows,). They are copied out
    in their own format, so that the gradients of rows are added up in it and not in a backbone's bfloat16.
    """
    longest = max(tensor.shape[3] for tensor in prefixes)
    stacked = torch.stack([pad(tensor, (0, 0, 0, longest - tensor.shape[3])) for tensor in prefixes], dim=2)
    by_row = stacked.index_select(2, rows).to(dtype)  # (layers, 2, rows, kv_heads, longest, head_dim)
    lengths = torch.tensor([tensor.shape[3] for tensor in prefixes], device=rows.device)
    unused = torch.arange(longest, device=rows.device) >= lengths[rows].unsqueeze(1)
    bias = torch.zeros(unused.shape, dtype=dtype, device=rows.device)
    bias.masked_fill_(unused, torch.finfo(dtype).min)
    return [PrefixKV(keys, values, bias[:, None, None, :]) for keys, values in by_row]
