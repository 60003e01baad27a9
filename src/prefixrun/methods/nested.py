"""Nested prefixes: one training, of which the first positions alone are a prefix too (method.nested=true).

In training each batch uses the first l positions, l drawn uniformly from 1 to prefix_len, with the text behind them as
behind a prefix of that length: the nested dropout of Rippel et al. 2014 (arXiv 1402.0915) with a uniform distribution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor

from prefixrun.methods import restore
from prefixrun.methods.peft_format import GATE

if TYPE_CHECKING:
    from prefixrun.config.schema import Config
    from prefixrun.methods.base import Method
    from prefixrun.models.backbone import Backbone

TOLERANCE = 0.01
"""Nats a target token by which prefix_len=auto may be worse than the best length."""


def grid(prefix_len: int) -> list[int]:
    """The lengths whose development loss is measured: 1, 2, 5, 10, 20, 40 and so on, among them those of the paper's
    Figure 4 for DART, and the whole. A measurement of each takes about as long as a third of the training steps that
    see as many pairs."""
    doublings = (5 * 2**power for power in range(prefix_len.bit_length()))
    return [length for length in (1, 2, *doublings) if length < prefix_len] + [prefix_len]


def cut(config: Config, backbone: Backbone, tensors: Mapping[str, Tensor], length: int) -> tuple[Config, Method]:
    """The first `length` positions of a trained prefix, ready for use, with the configuration that fits them.

    tensors: what Method.trained_tensors gave.
    """
    shorter = replace(config, prefix_len=length)
    first = {name: tensor if name.startswith(GATE) else tensor[:, :, :, :length] for name, tensor in tensors.items()}
    return shorter, restore(shorter, backbone, first)


def shortest(losses: Mapping[int, float]) -> int:
    """The shortest length whose loss is within TOLERANCE of the lowest."""
    return min(length for length, loss in losses.items() if loss <= min(losses.values()) + TOLERANCE)
