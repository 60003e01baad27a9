"""Negative log-likelihood of the target tokens, and divergence from what a teacher predicts in their place."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.functional import linear, log_softmax

from prefixrun.models.frozen_linear import can_multiply, multiply

CHUNK = 256
"""Target positions whose logits exist at one time: 256 x 49,152 numbers are 50 MB."""

CPU_NUMBERS = 2**18
"""Of their logits, how many a CPU takes through the softmax at one time: a megabyte in float32."""


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
    arguments = (hidden, weight, targets, factors, bias, label_smoothing, cap, None, torch.is_grad_enabled())
    return cast(Tensor, _HeadLoss.apply(*arguments))  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class TeacherStates:
    """What a teacher predicts from, for the same targets in the same order; no gradient reaches it."""

    hidden: Tensor
    """(targets, d)."""
    weight: Tensor
    """(vocabulary, d) output layer."""
    bias: Tensor | None = None
    """(vocabulary,) of the output layer."""


def teacher_kl(
    hidden: Tensor,
    weight: Tensor,
    teacher: TeacherStates,
    factors: Tensor,
    bias: Tensor | None = None,
    cap: float | None = None,
) -> Tensor:
    """Sum over target tokens of factor x KL(teacher || student), the divergence of the two distributions of the next
    token over the whole vocabulary. Arguments, gradients and result as of `target_nll`; `cap` is for both."""
    arguments = (hidden, weight, None, factors, bias, 0.0, cap, teacher, torch.is_grad_enabled())
    return cast(Tensor, _HeadLoss.apply(*arguments))  # type: ignore[no-untyped-call]


class _HeadLoss(torch.autograd.Function):
    """The gradients are worked out in the forward pass.

    Because the loss is a sum, they are known as soon as the logits are: (softmax - one-hot) @ weight for `hidden` and
    (softmax - one-hot)^T @ hidden for `weight`, times the factor; with label smoothing the one-hot target becomes its
    smoothed distribution, and with a teacher the teacher's. So no logits are kept or passed over again later.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        targets: Tensor | None,
        factors: Tensor,
        bias: Tensor | None,
        smoothing: float,
        cap: float | None,
        teacher: TeacherStates | None,
        differentiates: bool,
    ) -> Tensor:
        # needs_input_grad says which inputs are trained, within torch.no_grad() too: an evaluation needs no gradients.
        of_hidden, of_weight, of_bias = (differentiates and ctx.needs_input_grad[index] for index in (0, 1, 4))
        for_hidden = torch.empty_like(hidden) if of_hidden else None
        for_weight = torch.zeros_like(weight, dtype=torch.float32) if of_weight else None
        for_bias = torch.zeros_like(bias, dtype=torch.float32) if bias is not None and of_bias else None
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        product = multiply if can_multiply(weight) else linear
        for rows in _chunks(hidden.shape[0]):
            factor = factors[rows, None]
            logits = _logits(hidden[rows], weight, bias, cap)
            if teacher is not None:
                wanted = _logits(teacher.hidden[rows], teacher.weight, teacher.bias, cap)
            else:
                wanted = cast(Tensor, targets)[rows, None]
            losses = _losses(logits, wanted, smoothing, cap, wants_gradient=of_hidden or of_weight or of_bias)
            total += (losses * factor).sum()
            excess = logits  # what _losses has left there
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
        return scaled[0], scaled[1], None, None, scaled[2], None, None, None, None


def _losses(logits: Tensor, wanted: Tensor, smoothing: float, cap: float | None, *, wants_gradient: bool) -> Tensor:
    """Losses (rows, 1) in float32 of logits (rows, vocabulary), which are overwritten by their gradients if these are
    wanted. `wanted`: target ids (rows, 1), or the logits of a teacher.

    A CPU takes a few rows at a time: their float32 numbers stay in its cache and in memory that is used again.
    """
    size = len(logits)
    if logits.device.type == "cpu":
        size = max(CPU_NUMBERS // logits.shape[1], torch.get_num_threads())
    losses = []
    for some, target in zip(logits.split(size), wanted.split(size), strict=True):
        log_probabilities = log_softmax(some.float(), dim=1)
        probabilities = None
        if target.is_floating_point():
            log_of_teacher = log_softmax(target.float(), dim=1)
            probabilities = log_of_teacher.exp()
            losses.append((probabilities * (log_of_teacher - log_probabilities)).sum(dim=1, keepdim=True))
        else:
            likelihood = log_probabilities.gather(1, target)
            if smoothing:
                likelihood = likelihood.lerp(log_probabilities.mean(dim=1, keepdim=True), smoothing)
            losses.append(-likelihood)
        if not wants_gradient:
            continue
        excess = log_probabilities.exp_()
        if probabilities is not None:
            excess -= probabilities
        else:
            if smoothing:
                excess -= smoothing / excess.shape[1]
            excess.scatter_add_(1, target, excess.new_full(target.shape, smoothing - 1.0))
        if cap is not None:
            excess *= 1 - (some.float() / cap) ** 2  # the derivative of the capped logit
        some.copy_(excess)
    return torch.cat(losses)


def _logits(hidden: Tensor, weight: Tensor, bias: Tensor | None, cap: float | None) -> Tensor:
    """(rows, vocabulary) of the output layer, capped where the model's are."""
    product = multiply if can_multiply(weight) else linear
    logits: Tensor = product(hidden, weight, bias)
    return logits if cap is None else cap * torch.tanh(logits / cap)


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
