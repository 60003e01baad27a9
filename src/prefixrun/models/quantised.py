"""Frozen weights in 8 or 4 bits (model.quantize): less memory for the same model, rounded.

torchao rounds the weights and holds them: int8 with a scale for each row, or NF4 of QLoRA (Dettmers et al. 2023,
arXiv:2305.14314), four bits with a scale for each 64 numbers, these in 8 bits too. Its own products keep a weight in
full for the backward pass, one of every layer at a time, which is the memory that was to be saved. So the product is
computed here: a weight is dequantised for a product and dropped behind it, in the forward and in the backward pass.

Only the projections inside the blocks are quantised, which hold nearly all weights of a large model. Embeddings, norms
and the output layer stay as they are.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from math import gcd
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from prefixrun.config.schema import ModelConfig
from prefixrun.errors import MissingPartError
from prefixrun.models.blocks import blocks, stacks
from prefixrun.models.families import refusal

EXTRA = "quantized"
"""The extra of this program that installs torchao."""
BLOCK, SCALES = 64, 256
"""Numbers that share a scale in NF4, and scales that share one of their own (Dettmers et al. 2023, section 3)."""


class QuantisedLinear(nn.Linear):
    """A frozen projection (..., in) to (..., out) whose weight is held in few bits.

    The weight is no parameter, so that nothing trains, moves or stores it.
    """

    def __init__(self, quantised: Tensor, bias: nn.Parameter | None) -> None:
        """quantised: a tensor of torchao of the shape (out, in), on its device and in the dtype to compute
        in."""
        nn.Module.__init__(self)
        self.out_features, self.in_features = quantised.shape
        self.quantised = quantised
        self.register_parameter("bias", bias)

    @property
    def weight(self) -> Tensor:  # type: ignore[override]
        """(out, in): the numbers that the layer multiplies with. Dequantised whenever it is read."""
        return _dequantised(self.quantised)

    def __deepcopy__(self, memo: dict[int, Any]) -> QuantisedLinear:
        """With the same weight, which nothing changes; torchao would quantise a copy of NF4 with other blocks."""
        return QuantisedLinear(self.quantised, copy.deepcopy(self.bias, memo)).train(self.training)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name in nn.Linear
        """The product with the dequantised weight, and the bias."""
        product: Tensor = _FrozenProduct.apply(input, self.quantised)  # type: ignore[no-untyped-call]
        return product if self.bias is None else product + self.bias


class _FrozenProduct(torch.autograd.Function):
    """x @ weight.T for a quantised weight, which is dequantised again for the gradient of x and has none itself."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, quantised: Tensor) -> Tensor:
        ctx.quantised = quantised
        return functional.linear(x, _dequantised(quantised))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = gradients
        return gradient @ _dequantised(ctx.quantised), None


def _dequantised(quantised: Any) -> Tensor:
    # NF4's own dequantize() is a function of two other things; its to() gives the numbers.
    full: Tensor = quantised.to(quantised.dtype) if hasattr(quantised, "nf4") else quantised.dequantize()
    return full


def quantise(config: ModelConfig, model: PreTrainedModel, device: torch.device, dtype: torch.dtype) -> None:
    """Replace the projections in the blocks of `model` by quantised ones on `device`, which compute in `dtype`.

    One after the other, so that the device never holds more than one of them in full.

    Raises:
        MissingPartError: torchao is not installed.
        ConfigError: the blocks have no projections to quantise.
    """
    quantiser = _quantiser(str(config.quantize))
    projections = [
        (parent, name, child)
        for stack in stacks(model)
        for block in blocks(stack)
        for parent in list(block.modules())
        for name, child in list(parent.named_children())
        if isinstance(child, (nn.Linear, Conv1D))
    ]
    if not projections:
        raise refusal(config, f"its blocks have no projections that model.quantize={config.quantize} could quantise")
    with torch.no_grad():
        for parent, name, child in projections:
            weight = child.weight.T if isinstance(child, Conv1D) else child.weight
            full = weight.detach().to(device, dtype).contiguous()
            bias = None if child.bias is None else nn.Parameter(child.bias.detach(), requires_grad=False)
            setattr(parent, name, QuantisedLinear(quantiser(full), bias).train(child.training))


def _quantiser(kind: str) -> Callable[[Tensor], Tensor]:
    if find_spec("torchao") is None:
        raise MissingPartError(
            f"model.quantize={kind}: needs the package torchao: pip install 'prefixrun[{EXTRA}]', or leave it out"
        )
    library: Any = import_module("torchao.quantization")
    if kind == "int8":
        return partial(library.Int8Tensor.from_hp, granularity=library.PerRow())
    return partial(_nf4, library.to_nf4)


def _nf4(to_nf4: Any, weight: Tensor) -> Tensor:
    """With the largest blocks of the usual size that divide a weight."""
    block = gcd(weight.numel(), BLOCK)
    quantised: Tensor = to_nf4(weight, block_size=block, scaler_block_size=gcd(weight.numel() // block, SCALES))
    return quantised


def is_quantised(model: nn.Module) -> bool:
    """Whether a model has quantised projections."""
    return any(isinstance(module, QuantisedLinear) for module in model.modules())


def count(model: nn.Module) -> int:
    """Weights of a model that are no parameters because they are quantised."""
    return sum(
        module.in_features * module.out_features for module in model.modules() if isinstance(module, QuantisedLinear)
    )


def weight_bytes(model: nn.Module) -> int:
    """Bytes of all parameters, buffers and quantised weights of a model, shared ones counted once."""
    quantised = [module.quantised for module in model.modules() if isinstance(module, QuantisedLinear)]
    held = [getattr(tensor, name) for tensor in quantised for name in tensor.__tensor_flatten__()[0]]  # type: ignore[attr-defined]
    return sum(tensor.numel() * tensor.element_size() for tensor in (*model.parameters(), *model.buffers(), *held))
