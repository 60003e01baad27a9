"""Values and gradients beside the definitions, by torch's own differentiation."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import linear, silu

from prefixrun.models.fused_layers import gated_silu, rms_norm, rotary

STREAM = torch.Generator().manual_seed(0)
WEIGHT = torch.randn(8, generator=STREAM)
GATE, UP, DOWN = (torch.randn(size, generator=STREAM) for size in ((12, 8), (12, 8), (8, 12)))
ANGLES = torch.randn(2, 3, 4, generator=STREAM).repeat(1, 1, 2)
COS, SIN = ANGLES.cos(), ANGLES.sin()


def plain_norm(x: Tensor) -> Tensor:
    return WEIGHT * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-3)


def plain_gate(x: Tensor) -> Tensor:
    return linear(silu(linear(x, GATE)) * linear(x, UP), DOWN)


def plain_rotary(x: Tensor) -> Tensor:
    rotated = torch.cat([-x[..., 4:], x[..., :4]], dim=-1)
    return x * COS.unsqueeze(1) + rotated * SIN.unsqueeze(1)


@pytest.mark.parametrize(
    ("fused", "plain", "size"),
    [
        (lambda x: rms_norm(x, WEIGHT, 1e-3), plain_norm, (2, 3, 8)),
        (lambda x: gated_silu(x, GATE, UP, DOWN), plain_gate, (2, 3, 8)),
        (lambda x: rotary(x, x, COS, SIN)[0], plain_rotary, (2, 5, 3, 8)),
        (lambda x: rotary(x, x[:, :2], COS, SIN)[1], lambda x: plain_rotary(x[:, :2]), (2, 5, 3, 8)),
    ],
    ids=["rms_norm", "gated_silu", "rotary queries", "rotary keys"],
)
def test_values_and_gradients(
    fused: Callable[[Tensor], Tensor], plain: Callable[[Tensor], Tensor], size: tuple[int, ...]
) -> None:
    ours, theirs = (torch.randn(size, generator=torch.Generator().manual_seed(1)).requires_grad_() for _ in range(2))
    values, expected = fused(ours), plain(theirs)
    torch.testing.assert_close(values, expected)
    for output in (values, expected):
        output.backward(torch.randn(output.shape, generator=torch.Generator().manual_seed(2)))
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-5, atol=1e-5)
