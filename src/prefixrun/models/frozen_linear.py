"""Products with frozen weights by oneDNN, with the gradient of their input and of nothing else.

On processors with wide vectors oneDNN multiplies float32 matrices faster than the library that
torch.nn.functional.linear calls, and needs no copy of the weights for it: both directions read the weight as it lies
in memory. In bfloat16 that function calls oneDNN itself; here its products are parts of layers in fewer passes. The
operator is the one that torch.compile generates calls to; it has no gradient of its own.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

LARGE = 2**22
"""Multiplications of a matrix product from which oneDNN gains more than its calls cost."""


def has_operator(dtype: torch.dtype) -> bool:
    """Whether this build of PyTorch has oneDNN's products, and the processor what they need in a dtype."""
    if not (torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")):
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def can_multiply(weight: Tensor) -> bool:
    """Whether oneDNN may take the products with a weight: frozen, on a CPU, in float32 or bfloat16."""
    return not weight.requires_grad and weight.device.type == "cpu" and has_operator(weight.dtype)


def frozen_linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x @ weight.T + bias for x of (..., in) and a weight (out, in) that `can_multiply`."""
    if torch.is_grad_enabled() and x.requires_grad:
        product: Tensor = _FrozenLinear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
        return product
    return multiply(x, weight, bias)


def multiply(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x @ weight.T + bias without gradients; weight may be a transposed view."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


def multiply_add(x: Tensor, weight: Tensor, other: Tensor) -> Tensor:
    """x @ weight.T + other in one pass, without gradients; `other` has the shape of the result."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise.binary(x, other, weight, None, "add")
    return product


def multiply_each(left: Tensor, right: Tensor) -> Tensor:
    """left @ right for (n, rows, inner) and (n, inner, columns) on a CPU, without gradients.

    In float32 the default library is the faster one for many small products, oneDNN for large ones, one by one. Of
    a `left` that lies column by column it computes the transposed product, which needs no copy of it.
    """
    (count, rows, inner), columns = left.shape, right.shape[2]
    if left.dtype != torch.float32 or rows * inner * columns < LARGE or not has_operator(left.dtype):
        return torch.bmm(left, right)
    if left.stride(2) == 1:
        return torch.stack([multiply(left[index], right[index].T) for index in range(count)])
    across = [multiply(right[index].T.contiguous(), left[index]) for index in range(count)]
    return torch.stack(across).transpose(1, 2)


class _FrozenLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.weight = weight
        return multiply(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        return multiply(upstream[0], ctx.weight.T), None, None
