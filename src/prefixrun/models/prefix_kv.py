"""The prefix of one attention module: keys and values that its queries see before those of the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn.functional import pad

from prefixrun.models.masks import padding_mask

T = TypeVar("T")


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
    first: int = 0
    """Position of the first key."""

    @property
    def positions(self) -> Tensor:
        """(entries or 1, length): positions of the keys. They follow each other from `first` on, padding left out."""
        if self.bias is None:
            return self.first + torch.arange(self.keys.shape[2], device=self.keys.device)[None]
        return self.first + (self.bias[:, 0, 0] == 0).cumsum(dim=1) - 1

    def select(self, entries: Tensor) -> PrefixKV:
        """The prefix with some of its entries: (selected,) indices."""
        bias = None if self.bias is None else self.bias[entries]
        return PrefixKV(self.keys[entries], self.values[entries], bias, self.first)

    def followed_by(self, other: PrefixKV) -> PrefixKV:
        """This prefix with `other` behind it; a single entry of this one is repeated for each entry of `other`."""
        entries = len(other.keys)
        return PrefixKV(
            torch.cat([self.keys.expand(entries, -1, -1, -1), other.keys], dim=2),
            torch.cat([self.values.expand(entries, -1, -1, -1), other.values], dim=2),
            torch.cat([self._bias().expand(entries, -1, -1, -1), other._bias()], dim=3),
            self.first,
        )

    def _bias(self) -> Tensor:
        """The bias, zeros where it is None."""
        if self.bias is not None:
            return self.bias
        entries, _, length, _ = self.keys.shape
        return torch.zeros(entries, 1, 1, length, dtype=self.keys.dtype, device=self.keys.device)


def at_layers(values: Sequence[T], layers: Sequence[int] | None, total: int) -> list[T | None]:
    """One value a layer of the model, None at those that are not among `layers` (indices; None for all)."""
    if layers is None:
        return list(values)
    of_layer = dict(zip(layers, values, strict=True))
    return [of_layer.get(index) for index in range(total)]


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


def fold_rows(tensor: Tensor, entries: int) -> Tensor:
    """(rows, kv_heads, group, queries, n) to (entries, kv_heads, share * group * queries, n), rows = entries * share.

    All queries that read one entry of a prefix come to lie behind each other, whatever row they are of, so that one
    product per entry and head serves them and the entry is not copied out for each row.
    """
    rows, kv_heads, group, queries, last = tensor.shape
    share = rows // entries
    by_entry = tensor.reshape(entries, share, kv_heads, group * queries, last).transpose(1, 2)
    return by_entry.reshape(entries, kv_heads, share * group * queries, last)


def unfold_rows(tensor: Tensor, rows: int, group: int, queries: int) -> Tensor:
    """The inverse of `fold_rows`."""
    entries, kv_heads, _, last = tensor.shape
    by_entry = tensor.view(entries, kv_heads, rows // entries, group, queries, last)
    return by_entry.transpose(1, 2).reshape(rows, kv_heads, group, queries, last)
