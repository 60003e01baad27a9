"""Frozen weights in oneDNN's blocked layout, for decoding on a CPU.

A decoding step multiplies few rows with every weight of the model. oneDNN does that markedly faster than the default
library when the weights are in its blocked layout, which it otherwise has to make at every call. The operators are
those that torch.compile generates calls to. Where they are missing (another build, a GPU), and for quantised weights,
the linear layers stay as they are, and only speed differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from prefixrun.models.frozen_linear import has_operator
from prefixrun.models.quantised import QuantisedLinear
from prefixrun.models.replaced import replaced

ROWS = 160
"""Rows of a product that the layout is chosen for: 32 inputs of 5 beams. Other numbers work too."""


@contextmanager
def prepacked_weights(model: nn.Module) -> Iterator[None]:
    """Let the linear layers of `model` multiply with packed weights within the block; without gradients.

    What is packed is the weight that a layer has when it is used: a method may put another one in its place before or
    after this. The packed copies take as much memory as the weights.
    """
    packed = [module for module in model.modules() if isinstance(module, nn.Linear | Conv1D) and _can_pack(module)]
    with replaced((vars(module), "forward", _Packed(module)) for module in packed):
        yield


def _can_pack(module: nn.Linear | Conv1D) -> bool:
    if isinstance(module, QuantisedLinear):
        return False
    return module.weight.device.type == "cpu" and has_operator(module.weight.dtype)


class _Packed:
    """x @ weight.T + bias for x of (..., in) and the present weight of a module, (out, in) or Conv1D's (in, out)."""

    def __init__(self, module: nn.Linear | Conv1D) -> None:
        self._module = module
        self._weight: Tensor | None = None
        self._layout: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        weight: Tensor = self._module.weight
        if weight is not self._weight:
            of_linear = weight.T if isinstance(self._module, Conv1D) else weight
            self._layout = torch.ops.mkldnn._reorder_linear_weight(of_linear.detach().contiguous(), ROWS)
            self._weight = weight
        product: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._layout, self._module.bias, "none", [], "")
        return product
