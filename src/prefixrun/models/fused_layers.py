"""Layers of a frozen Llama-type model in few passes over their numbers: norm, gated feed-forward, rotary positions.

Their gradients are written out, for the input alone: that leaves out what automatic differentiation computes and keeps
for each of the small operations that a layer is made of.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from prefixrun.models.frozen_linear import multiply, multiply_add


def rms_norm(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """weight * x / sqrt(mean(x^2) + epsilon) over the last axis (Zhang and Sennrich, arXiv 1910.07467)."""
    normalised: Tensor = _RMSNorm.apply(x, weight, epsilon)  # type: ignore[no-untyped-call]
    return normalised


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        wide = x.float()  # as the library has it, whatever the dtype
        norm = torch.linalg.vector_norm(wide, dim=-1, keepdim=True)
        inverse = (norm * norm).mul_(1 / x.shape[-1]).add_(epsilon).rsqrt_()
        ctx.weight = weight
        ctx.save_for_backward(x, inverse)
        normalised: Tensor = (wide * inverse).to(x.dtype).mul_(weight)
        return normalised

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        # y = w x r with r = (mean(x^2) + e)^-1/2: dx = r (w g) - x r^3 mean(w g x).
        x, inverse = ctx.saved_tensors
        wide, weighted = x.float(), upstream[0].float() * ctx.weight
        share = (weighted * wide).sum(dim=-1, keepdim=True).mul_(inverse.pow(3)).mul_(-1 / x.shape[-1])
        return weighted.mul_(inverse).addcmul_(wide, share).to(x.dtype), None, None


def gated_silu(x: Tensor, gate: Tensor, up: Tensor, down: Tensor) -> Tensor:
    """(silu(x @ gate.T) * (x @ up.T)) @ down.T with frozen weights (Shazeer, arXiv 2002.05202: SwiGLU).

    gate, up: (inner, d); down: (d, inner); x: (..., d).
    """
    output: Tensor = _GatedSilu.apply(x, gate, up, down)  # type: ignore[no-untyped-call]
    return output


class _GatedSilu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, gate: Tensor, up: Tensor, down: Tensor) -> Tensor:
        a, b = multiply(x, gate), multiply(x, up)
        ctx.weights = gate, up, down
        ctx.save_for_backward(a, b)
        return multiply(torch.nn.functional.silu(a).mul_(b), down)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        a, b = ctx.saved_tensors
        gate, up, down = ctx.weights
        inner = multiply(upstream[0], down.T)
        for_a = torch.ops.aten.silu_backward(inner * b, a)
        for_b = inner.mul_(torch.nn.functional.silu(a))
        return multiply_add(for_b, up.T, multiply(for_a, gate.T)), None, None, None


def rotary(query: Tensor, key: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    """Queries and keys turned to their positions (Su et al., arXiv 2104.09864), the halves of a head as pairs.

    query, key: (rows, heads, length, head_dim); cos, sin: (rows, length, head_dim), whose halves are equal.
    """
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    turned: tuple[Tensor, Tensor] = tuple(_Rotary.apply(tensor, cos, sin) for tensor in (query, key))  # type: ignore
    return turned


class _Rotary(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.angles = cos, sin
        return _turned(x, cos, sin, 1)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        cos, sin = ctx.angles
        return _turned(upstream[0], cos, sin, -1), None, None


def _turned(x: Tensor, cos: Tensor, sin: Tensor, direction: int) -> Tensor:
    """(x1, x2) to (x1 cos - x2 sin, x2 cos + x1 sin) for the halves x1 and x2 of the last axis; -1 turns back."""
    half = x.shape[-1] // 2
    turned = x * cos
    turned[..., :half].addcmul_(x[..., half:], sin[..., half:], value=-direction)
    turned[..., half:].addcmul_(x[..., :half], sin[..., :half], value=direction)
    return turned
