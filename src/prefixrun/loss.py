"""Negative log-likelihood of the target tokens through a frozen output layer."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.functional import linear, log_softmax

CHUNK = 256
"""Target positions whose logits exist at one time: 256 x 49,152 numbers are 50 MB."""


def target_nll(hidden: Tensor, weight: Tensor, targets: Tensor, factors: Tensor) -> Tensor:
    """Sum over target tokens of factor x -log p(target), differentiable in `hidden` only.

    Args:
        hidden: (targets, d) last hidden states of the positions that predict a target, and of no others.
        weight: (vocabulary, d) frozen output layer.
        targets: (targets,) token ids.
        factors: (targets,) weight of each token, which carries the loss mode.

    Returns a float32 scalar.
    """
    return cast(Tensor, _FrozenHeadNLL.apply(hidden, weight, targets, factors))  # type: ignore[no-untyped-call]


class _FrozenHeadNLL(torch.autograd.Function):
    """The gradient is worked out in the forward pass.

    Because the output layer is frozen and the loss is a sum, the gradient for `hidden` is known as soon as the logits
    are: (softmax - one-hot) @ weight, times the factor. So no logits are kept or passed over again later.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, factors: Tensor) -> Tensor:
        gradient = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        for start in range(0, hidden.shape[0], CHUNK):
            rows = slice(start, start + CHUNK)
            target, factor = targets[rows, None], factors[rows, None]
            log_probabilities = log_softmax(linear(hidden[rows], weight).float(), dim=1)
            total -= (log_probabilities.gather(1, target) * factor).sum()
            if gradient is not None:
                excess = log_probabilities.exp_()
                excess.scatter_add_(1, target, torch.full_like(factor, -1.0))
                gradient[rows] = (excess.to(weight.dtype) @ weight) * factor.to(weight.dtype)
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return (gradient * upstream[0].to(gradient.dtype) if gradient is not None else None), None, None, None
