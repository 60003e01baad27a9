"""The prefix of one attention module: keys and values that its queries see before those of the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from prefixrun.models.masks import padding_mask


@dataclass(frozen=True, slots=True)
class PrefixKV:
    """Keys and values in front of those that an attention module computes from the rows of a batch.

    `keys`, `values`: (entries, kv_heads, length, head_dim). An entry serves rows / entries consecutive rows of the
    batch: all of them for a trained prefix (one entry), the beams of one input for a prompt (one entry an input).
    `bias`: (entries, 1, 1, length), added to the scores; see masks.padding_mask. None where no key is padding.
    """

    keys: Tensor
    values: Tensor
    bias: Tensor | None = None

    @property
    def positions(self) -> Tensor:
        """(entries or 1, length): positions of the keys. They follow each other from 0 on, padding left out."""
        if self.bias is None:
            return torch.arange(self.keys.shape[2], device=self.keys.device)[None]
        return (self.bias[:, 0, 0] == 0).cumsum(dim=1) - 1

    def select(self, entries: Tensor) -> PrefixKV:
        """The prefix with some of its entries: (selected,) indices."""
        bias = None if self.bias is None else self.bias[entries]
        return PrefixKV(self.keys[entries], self.values[entries], bias)

    def followed_by(self, other: PrefixKV) -> PrefixKV:
        """This prefix with `other` behind it; a single entry of this one is repeated for each entry of `other`."""
        entries = len(other.keys)
        return PrefixKV(
            torch.cat([self.keys.expand(entries, -1, -1, -1), other.keys], dim=2),
            torch.cat([self.values.expand(entries, -1, -1, -1), other.values], dim=2),
            torch.cat([self._bias().expand(entries, -1, -1, -1), other._bias()], dim=3),
        )

    def _bias(self) -> Tensor:
        """The bias, zeros where it is None."""
        if self.bias is not None:
            return self.bias
        entries, _, length, _ = self.keys.shape
        return torch.zeros(entries, 1, 1, length, dtype=self.keys.dtype, device=self.keys.device)


def shared_prefix_kv(key_values: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, list[PrefixKV]]:
    """A prefix that all rows of a batch share, by attention site and layer.

    key_values: by site, (layers, 2, kv_heads, prefix_len, head_dim); see methods.base.PrefixKeyValues.
    """
    return {
        site: [PrefixKV(keys=layer[0].unsqueeze(0), values=layer[1].unsqueeze(0)) for layer in tensor.to(dtype)]
        for site, tensor in key_values.items()
    }


def row_prefix_kv(prefixes: Sequence[Tensor], rows: Tensor, dtype: torch.dtype) -> list[PrefixKV]:
    """By layer, a prefix with one entry a row: row i has the prefix `rows[i]`, padded to the longest of them.

    prefixes: (layers, 2, kv_heads, prefix_len, head_dim) each, of any prefix_len; rows: (rows,).
    """
    lengths = torch.tensor([tensor.shape[3] for tensor in prefixes], device=rows.device)
    longest = int(lengths.max())
    stacked = torch.stack([pad(tensor, (0, 0, 0, longest - tensor.shape[3])) for tensor in prefixes], dim=2)
    by_row = stacked.index_select(2, rows).to(dtype)  # (layers, 2, rows, kv_heads, longest, head_dim)
    padding = torch.arange(longest, device=rows.device) >= lengths[rows].unsqueeze(1)
    bias = padding_mask(padding, dtype)
    return [PrefixKV(keys, values, bias) for keys, values in by_row]
