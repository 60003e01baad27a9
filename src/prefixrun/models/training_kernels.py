"""Which parts of a frozen model compute with the faster operators of `frozen_linear` and `fused_layers`, and when.

No list of families says which: a module is taken over when it has the parts of a known layer and computes, on random
numbers, what the operator computes. Where a method has put other parameters or modules in its place, or an adapter
inside it, it computes as before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu
from transformers import PreTrainedModel
from transformers.activations import NewGELUActivation
from transformers.pytorch_utils import Conv1D

from prefixrun.models.attention import attention_sites
from prefixrun.models.attention_gradient import written_gradient
from prefixrun.models.frozen_linear import can_multiply, frozen_linear
from prefixrun.models.fused_layers import gated_silu, rms_norm, rotary
from prefixrun.models.replaced import Entry, replaced

TOLERANCE = 1e-5
"""Largest difference of an operator from the module that it stands for, as a share of the largest number; in float32,
because the few digits of bfloat16 cannot tell a norm that takes the mean off from one that does not."""

Forward = Callable[[Tensor], Tensor]


@contextmanager
def training_kernels(model: PreTrainedModel) -> Iterator[None]:
    """Within the block, passes of a frozen model on a CPU in float32 or bfloat16 take the faster operators.

    The numbers are those of the model up to rounding. Other devices and dtypes compute as before.
    """
    if not can_multiply(next(model.parameters())):
        yield
        return
    faster = ((module, _faster(module)) for module in model.modules())
    forwards: list[Entry] = [(vars(module), "forward", forward) for module, forward in faster if forward is not None]
    with replaced([*forwards, *_rotary(model)]), written_gradient():
        yield


def _faster(module: nn.Module) -> Forward | None:
    """What computes the same as a module in less time, if anything is known to."""
    if "forward" in vars(module):  # someone else's already
        return None
    if type(module) in (nn.Linear, Conv1D):
        return _linear(module)
    if isinstance(module, NewGELUActivation):  # GPT-2's, written out there as eight operations
        return partial(gelu, approximate="tanh")
    return _norm(module) or _gated_layer(module)


def _linear(module: Any) -> Forward | None:
    """A linear layer or GPT-2's Conv1D, whose weight is (in, out)."""
    frozen: Tensor = module.weight
    plain: Forward = module.forward
    if not can_multiply(frozen):
        return None
    is_transposed = isinstance(module, Conv1D)

    def forward(x: Tensor) -> Tensor:
        if module.weight is not frozen:  # a method trains another one in its place
            return plain(x)
        return frozen_linear(x, frozen.T if is_transposed else frozen, module.bias)

    return forward


def _norm(module: Any) -> Forward | None:
    """A norm by the root of the mean square, as Llama and T5 have it."""
    epsilon: Any = getattr(module, "variance_epsilon", getattr(module, "eps", None))
    frozen, plain = getattr(module, "weight", None), module.forward
    if not (isinstance(epsilon, float) and isinstance(frozen, Tensor) and frozen.ndim == 1 and can_multiply(frozen)):
        return None

    def forward(x: Tensor) -> Tensor:
        return rms_norm(x, frozen, epsilon) if module.weight is frozen else plain(x)

    return _if_equal(module, forward, lambda x: rms_norm(x, frozen.float(), epsilon), len(frozen))


def _gated_layer(module: Any) -> Forward | None:
    """A feed-forward layer with a gate of SiLU, as Llama has it; without biases."""
    layers: list[Any] = [getattr(module, name, None) for name in ("gate_proj", "up_proj", "down_proj")]
    if not all(map(_is_plain_product, layers)):
        return None
    frozen, plain = [layer.weight for layer in layers], module.forward

    def forward(x: Tensor) -> Tensor:
        now = [module.gate_proj, module.up_proj, module.down_proj]
        is_plain = not module.training and all(
            current is layer and current.weight is weight and not current._forward_hooks
            for current, layer, weight in zip(now, layers, frozen, strict=True)
        )
        return gated_silu(x, *frozen) if is_plain else plain(x)

    return _if_equal(
        module, forward, lambda x: gated_silu(x, *(weight.float() for weight in frozen)), frozen[0].shape[1]
    )


def _is_plain_product(layer: Any) -> bool:
    """Whether it is a frozen linear layer without a bias."""
    return type(layer) is nn.Linear and len(list(layer.parameters())) == 1 and can_multiply(layer.weight)


_compared: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()
"""Whether a module computes what is taken for it, looked at once in a process."""


def _if_equal(module: nn.Module, forward: Forward, in_float32: Forward, width: int) -> Forward | None:
    """`forward` if its operator in float32 computes on random numbers (rows, width) what `module` then does."""
    if module not in _compared:
        x = torch.randn(3, width, generator=torch.Generator().manual_seed(0))
        weights = {name: parameter.float() for name, parameter in module.named_parameters()}
        with torch.no_grad():
            _compared[module] = _are_close(in_float32(x), torch.func.functional_call(module, weights, x))
    return forward if _compared[module] else None


def _are_close(ours: Any, theirs: Any) -> bool:
    is_alike = isinstance(theirs, Tensor) and ours.shape == theirs.shape
    return is_alike and bool((ours - theirs).abs().max() <= TOLERANCE * theirs.abs().max())


ROTARY = "apply_rotary_pos_emb"
"""The name that the modules of transformers have for the function that turns queries and keys."""


def _rotary(model: PreTrainedModel) -> list[Entry]:
    """`rotary` in the place of the function that the model's module of transformers calls."""
    classes = {type(module) for modules in attention_sites(model).values() for module in modules}
    names = [vars(source) for source in {sys.modules[of_module.__module__] for of_module in classes}]
    return [
        (of_source, ROTARY, _turned_whole(plain))
        for of_source in names
        if (plain := of_source.get(ROTARY)) is not None and _turns(plain)
    ]


def _turned_whole(plain: Callable[..., Any]) -> Callable[..., Any]:
    """`rotary` where whole heads are turned, in tensors that models here have; otherwise the plain function."""

    def turned(query: Tensor, key: Tensor, cos: Tensor, sin: Tensor, *others: Any, **named: Any) -> Any:
        is_usual = cos.shape[-1] == query.shape[-1] and query.dtype == cos.dtype
        function = rotary if is_usual and not others and not named else plain
        return function(query, key, cos, sin, *others, **named)

    return turned


def _turns(plain: Callable[..., Any]) -> bool:
    """Whether a function computes what `rotary` does."""
    stream = torch.Generator().manual_seed(0)
    query, key = (torch.randn(2, heads, 3, 8, generator=stream) for heads in (4, 2))
    angles = torch.randn(2, 3, 4, generator=stream).repeat(1, 1, 2)
    try:
        theirs = plain(query, key, angles.cos(), angles.sin())
    except (TypeError, RuntimeError, IndexError):  # of another form
        return False
    ours = rotary(query, key, angles.cos(), angles.sin())
    return len(theirs) == 2 and all(map(_are_close, ours, theirs))
