"""Terms that a trained prefix adds to the output of an attention module, beside its softmax over the text.

They depend on the query alone, so that a long input leaves them as large as a short one does, and they have no
positions: masks, windows and position biases of the text do not reach them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from prefixrun.models.prefix_kv import fold_rows, unfold_rows


class OutputTerm(Protocol):
    """What is added to the output of one attention module."""

    def __call__(self, query: Tensor, scaling: float, softcap: float | None) -> Tensor:
        """query: (rows, heads, queries, head_dim), not scaled. Returns (rows, queries, heads, head_dim).

        scaling, softcap: what the module does to its scores; see attention.prefix_attention.
        """
        ...


@dataclass(frozen=True, slots=True)
class GatedAttention:
    """gate x softmax(q K^T) V: an attention of its own over trained keys and values (LLaMA-Adapter)."""

    keys: Tensor
    """(kv_heads, length, head_dim)"""
    values: Tensor
    gate: Tensor
    """(heads,)"""

    def weights(self, query: Tensor, scaling: float, softcap: float | None) -> Tensor:
        """Those of the softmax: (kv_heads, rows * group * queries, length), as `_by_kv_head` orders the queries."""
        folded = _by_kv_head(query * scaling, len(self.keys))
        scores = torch.matmul(folded, self.keys.transpose(1, 2))
        if softcap is not None:
            scores = torch.tanh(scores / softcap) * softcap
        return torch.softmax(scores, dim=-1, dtype=torch.float32).to(self.values.dtype)

    def weights_by_row(self, query: Tensor, scaling: float, softcap: float | None) -> Tensor:
        """What the values are multiplied by, the size of the gate included: (rows, heads, queries, length)."""
        by_row = _by_row(self.weights(query, scaling, softcap), query).transpose(1, 2)
        return by_row * self.gate.abs()[:, None, None]

    def __call__(self, query: Tensor, scaling: float, softcap: float | None) -> Tensor:
        weights = self.weights(query, scaling, softcap)
        return _by_row(torch.matmul(weights, self.values), query) * self.gate[:, None]


@dataclass(frozen=True, slots=True)
class Memory:
    """elu(q) M with M = F^T V / (length x root of head_dim): a linear map of the query's features (Prefix-Tuning+)."""

    features: Tensor
    """F, (kv_heads, length, head_dim)"""
    values: Tensor
    """V, (kv_heads, length, head_dim)"""

    def __call__(self, query: Tensor, scaling: float, softcap: float | None) -> Tensor:
        folded = functional.elu(_by_kv_head(query, len(self.features)))
        _, length, head_dim = self.features.shape
        weights = torch.matmul(folded, self.features.transpose(1, 2)) / (length * head_dim**0.5)
        return _by_row(torch.matmul(weights, self.values), query)


def _by_kv_head(query: Tensor, kv_heads: int) -> Tensor:
    """(rows, heads, queries, head_dim) to (kv_heads, rows * group * queries, head_dim): all that a head's keys meet."""
    rows, heads, queries, head_dim = query.shape
    return fold_rows(query.reshape(rows, kv_heads, heads // kv_heads, queries, head_dim), 1)[0]


def _by_row(output: Tensor, query: Tensor) -> Tensor:
    """The inverse, with the result's axes: (kv_heads, rows * group * queries, n) to (rows, queries, heads, n)."""
    rows, heads, queries, _ = query.shape
    per_head = unfold_rows(output.unsqueeze(0), rows, heads // len(output), queries)
    return per_head.permute(0, 3, 1, 2, 4).reshape(rows, queries, heads, output.shape[-1])
