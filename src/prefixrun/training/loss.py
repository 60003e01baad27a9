"""Negative log-likelihood of the target tokens."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.functional import linear, log_softmax

from prefixrun.models.frozen_linear import can_multiply, multiply

CHUNK = 256
"""Target positions whose logits exist at one time: 256 x 49,152 numbers are 50 MB."""


def target_nll(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    factors: Tensor,
    bias: Tensor | None = None,
    label_smoothing: float = 0.0,
    cap: float | None = None,
) -> Tensor:
    """Sum over target tokens of factor x -log p(target), differentiable in `hidden`, `weight` and `bias`.

    With label smoothing e it is the cross entropy with a target distribution that has 1 - e at the target and e spread
    evenly over the vocabulary: factor x ((1 - e) x -log p(target) + e x mean over tokens of -log p(token)).

    Args:
        hidden: (targets, d) last hidden states of the positions that predict a target, and of no others.
        weight: (vocabulary, d) output layer.
        targets: (targets,) token ids.
        factors: (targets,) weight of each token, which carries the loss mode.
        bias: (vocabulary,) of the output layer.
        label_smoothing: e, from 0 to less than 1.
        cap: a logit z becomes cap x tanh(z / cap).

    Returns a float32 scalar.
    """
    nll = _HeadNLL.apply(hidden, weight, targets, factors, bias, label_smoothing, cap)  # type: ignore[no-untyped-call]
    return cast(Tensor, nll)


class _HeadNLL(torch.autograd.Function):
    """The gradients are worked out in the forward pass.

    Because the loss is a sum, they are known as soon as the logits are: (softmax - one-hot) @ weight for `hidden` and
    (softmax - one-hot)^T @ hidden for `weight`, times the factor; with label smoothing the one-hot target becomes its
    smoothed distribution. So no logits are kept or passed over again later.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        targets: Tensor,
        factors: Tensor,
        bias: Tensor | None,
        smoothing: float,
        cap: float | None,
    ) -> Tensor:
        for_hidden = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        for_weight = torch.zeros_like(weight, dtype=torch.float32) if ctx.needs_input_grad[1] else None
        for_bias = None
        if bias is not None and ctx.needs_input_grad[4]:
            for_bias = torch.zeros_like(bias, dtype=torch.float32)
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        product = multiply if can_multiply(weight) else linear
        for rows in _chunks(hidden.shape[0]):
            target, factor = targets[rows, None], factors[rows, None]
            logits = product(hidden[rows], weight, bias)
            if cap is not None:
                logits = cap * torch.tanh(logits / cap)
            log_probabilities = log_softmax(logits.float(), dim=1)
            log_likelihood = log_probabilities.gather(1, target)
            if smoothing:
                log_likelihood = log_likelihood.lerp(log_probabilities.mean(dim=1, keepdim=True), smoothing)
            total -= (log_likelihood * factor).sum()
            if for_hidden is None and for_weight is None and for_bias is None:
                continue
            excess = log_probabilities.exp_()
            if smoothing:
                excess -= smoothing / excess.shape[1]
            excess.scatter_add_(1, target, torch.full_like(factor, smoothing - 1.0))
            if cap is not None:
                excess *= 1 - (logits.float() / cap) ** 2  # the derivative of the capped logit
            excess = excess.to(weight.dtype)
            if for_hidden is not None:
                for_hidden[rows] = product(excess, weight.T) * factor.to(weight.dtype)
            if for_weight is not None:
                _add_product(for_weight, excess.T, hidden[rows] * factor.to(weight.dtype))
            if for_bias is not None:
                for_bias += (excess * factor).sum(dim=0)
        ctx.save_for_backward(for_hidden, for_weight, for_bias)
        return total

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        scaled = [
            None if gradient is None else gradient * upstream[0].to(gradient.dtype) for gradient in ctx.saved_tensors
        ]
        return scaled[0], scaled[1], None, None, scaled[2], None, None


def _chunks(count: int) -> list[slice]:
    """The fewest slices of at most CHUNK targets, of like size: a small product reads the whole output layer too."""
    parts = -(-count // CHUNK)
    ends = [count * part // parts for part in range(parts + 1)]
    return [slice(start, stop) for start, stop in pairwise(ends)]


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """Add left @ right to a float32 sum; chunks in half precision are not summed in half precision."""
    if left.dtype == total.dtype:
        total.addmm_(left, right)
    else:
        total += left @ right
