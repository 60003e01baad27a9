"""Attention with a trained prefix whose gradient is written out: for training on a CPU, in few passes over scores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

import torch
from torch import Tensor

from prefixrun.models.frozen_linear import multiply_each

gradient_is_written: ContextVar[bool] = ContextVar("gradient_is_written", default=False)
"""Whether attention on a CPU is computed by `attend`, where that knows its arguments."""


@contextmanager
def written_gradient() -> Iterator[None]:
    """Let attention on a CPU be computed by `attend` within the block."""
    token = gradient_is_written.set(True)
    try:
        yield
    finally:
        gradient_is_written.reset(token)


def attend(
    query: Tensor, key: Tensor, value: Tensor, prefix: tuple[Tensor, Tensor] | None, mask: Tensor | None, scaling: float
) -> Tensor:
    """softmax(scaling x q [P_k ; K]^T + [0 ; mask]) [P_v ; V], differentiable in all but the mask.

    Args:
        query: (rows, heads, queries, head_dim).
        key, value: (rows, kv_heads, keys, head_dim); query heads k * group, ... read key/value head k.
        prefix: keys and values (1, kv_heads, length, head_dim) in front of every row, or None.
        mask: (rows or 1, 1, queries, keys), added to the scores of the text.

    Returns (rows, queries, heads, head_dim).
    """
    before = prefix or (None, None)
    return cast(Tensor, _Attend.apply(query, key, value, *before, mask, scaling))  # type: ignore[no-untyped-call]


class _Attend(torch.autograd.Function):
    """The keys and values of prefix and text are written out behind each other, once a row: where head_dim is small
    beside the number of queries, that costs less than the scores of two parts do."""

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        prefix_keys: Tensor | None,
        prefix_values: Tensor | None,
        mask: Tensor | None,
        scaling: float,
    ) -> Tensor:
        rows, heads, queries, head_dim = query.shape
        kv_heads = key.shape[1]
        group = heads // kv_heads
        # The query heads that share a key/value head are folded into the query axis: one product serves them all.
        q = torch.mul(query, scaling, out=query.new_empty(query.shape)).view(rows * kv_heads, group * queries, head_dim)
        k, v = _joined(prefix_keys, key), _joined(prefix_values, value)
        scores = multiply_each(q, k.transpose(1, 2))
        if mask is not None:
            by_head = scores.view(rows, kv_heads, group, queries, k.shape[1])
            by_head[..., k.shape[1] - key.shape[2] :].add_(mask.unsqueeze(1))
        # In float32 as in the library's own attention: the gradient takes that weights sum to one at its word.
        weights = torch.softmax(scores, dim=-1, dtype=torch.float32)
        ctx.save_for_backward(q, k, v, weights)
        ctx.sizes = rows, heads, queries, 0 if prefix_keys is None else prefix_keys.shape[2]
        ctx.scaling = scaling
        output = multiply_each(weights.to(v.dtype), v).view(rows, heads, queries, head_dim)
        return output.transpose(1, 2).contiguous()

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, weights = ctx.saved_tensors
        rows, heads, queries, length = ctx.sizes
        gradient = upstream[0].transpose(1, 2).reshape(q.shape)
        for_v = multiply_each(weights.to(v.dtype).transpose(1, 2), gradient)
        for_weights = multiply_each(gradient, v.transpose(1, 2)).float()
        for_scores = torch.ops.aten._softmax_backward_data(for_weights, weights, -1, weights.dtype).to(q.dtype)
        for_k = multiply_each(for_scores.transpose(1, 2), q)
        for_query = None
        if ctx.needs_input_grad[0]:
            # Laid out as the projection to queries left them, so that its own gradient needs no copy.
            by_head = multiply_each(for_scores, k).view(rows, heads, queries, q.shape[2])
            for_query = by_head.new_empty(rows, queries, heads, q.shape[2]).transpose(1, 2)
            torch.mul(by_head, ctx.scaling, out=for_query)
        text, prefix = zip(*(_parted(gradient, rows, length) for gradient in (for_k, for_v)), strict=True)
        return for_query, *text, *prefix, None, None


def _joined(before: Tensor | None, text: Tensor) -> Tensor:
    """(rows * kv_heads, length + keys, head_dim) of a prefix (1, kv_heads, length, head_dim) and the text's."""
    if before is not None:
        text = torch.cat([before.expand(len(text), -1, -1, -1), text], dim=2)
    return text.reshape(-1, *text.shape[2:])


def _parted(gradient: Tensor, rows: int, length: int) -> tuple[Tensor, Tensor | None]:
    """The gradients of the text's part and, summed over the rows, of the prefix."""
    by_row = gradient.view(rows, -1, *gradient.shape[1:])
    text = by_row[:, :, length:]
    return text, by_row[:, :, :length].sum(dim=0, keepdim=True) if length else None
