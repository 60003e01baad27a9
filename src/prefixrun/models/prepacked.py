"""Frozen weights in oneDNN's blocked layout, for decoding on a CPU.

A decoding step multiplies few rows with every weight of the model. oneDNN does that markedly faster than the default
library when the weights are in its blocked layout, which it otherwise has to make at every call. The operators are
those that torch.compile generates calls to. Where they are missing (another build, a GPU, bfloat16), and for quantised
weights, the linear layers stay as they are, and only speed differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from prefixrun.models.quantised import QuantisedLinear

ROWS = 160
"""Rows of a product that the layout is chosen for: 32 inputs of 5 beams. Other numbers work too."""


@contextmanager
def prepacked_weights(model: nn.Module) -> Iterator[None]:
    """Let the linear layers of `model` multiply with packed weights within the block; without gradients.

    The packed copies take as much memory as the weights.
    """
    replaced: list[nn.Module] = []
    try:
        for module in model.modules():
            if isinstance(module, QuantisedLinear):
                continue
            if isinstance(module, nn.Linear):
                weight = module.weight
            elif isinstance(module, Conv1D):
                weight = module.weight.T
            else:
                continue
            if not _can_pack(weight):
                continue
            module.forward = _multiplier(weight, module.bias)  # type: ignore[method-assign]
            replaced.append(module)
        yield
    finally:
        for module in replaced:
            del module.forward


def _can_pack(weight: Tensor) -> bool:
    is_plain = weight.device.type == "cpu" and weight.dtype == torch.float32
    return is_plain and torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _multiplier(weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    """x to x @ weight.T + bias, for x of (..., in) and weight of (out, in)."""
    layout = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous(), ROWS)

    def multiply(x: Tensor) -> Tensor:
        product: Tensor = torch.ops.mkldnn._linear_pointwise(x, layout, bias, "none", [], "")
        return product

    return multiply
