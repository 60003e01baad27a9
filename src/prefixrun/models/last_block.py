"""The last block of a decoder-only model at the positions that predict something, and nowhere else.

Other positions are read there as keys and values alone. What comes behind the attention's products (its output
projection and the feed-forward layer) is computed for nothing at a position whose last state nobody reads: at those of
the input in training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from prefixrun.models.attention import is_attention, unrecorded
from prefixrun.models.blocks import blocks, stacks
from prefixrun.models.quantised import QuantisedLinear

PROJECTIONS = (nn.Linear, Conv1D, QuantisedLinear)

WORTH_IT = 0.75
"""Largest share of the positions at which computing less takes less time, although it copies states twice."""

_compared: WeakKeyDictionary[nn.Module, dict[tuple[object, ...], bool]] = WeakKeyDictionary()
"""Whether a block computes the same in this way, by the parts that it has: methods put parts of their own into it.
Looked at once in a process."""


@contextmanager
def last_block_at(model: PreTrainedModel, places: Tensor) -> Iterator[None]:
    """Within the block, passes of a decoder-only `model` without a cache have last states at `places` alone, and zeros
    elsewhere.

    places: (n,) distinct indices into the flattened (rows x length) positions.

    A block whose feed-forward layer reads what its attention reads (GPT-J's) or that is recomputed in the backward pass
    computes as before; which ones do is told by the first batch, on which both ways must agree.
    """
    block = blocks(stacks(model)[-1])[-1]
    if "forward" in vars(block):
        yield
        return
    plain = block.forward

    def forward(hidden_states: Tensor, *rest: Any, **named: Any) -> Any:
        if len(places) > WORTH_IT * hidden_states.shape[:2].numel() or _draws(block):
            return plain(hidden_states, *rest, **named)
        by_parts, parts = _compared.setdefault(block, {}), tuple(type(part) for part in block.modules())
        if parts not in by_parts:
            by_parts[parts] = _agrees(block, plain, places, hidden_states, rest, named)
        if not by_parts[parts]:
            return plain(hidden_states, *rest, **named)
        return _narrow(block, plain, places, hidden_states, rest, named)

    block.forward = forward
    try:
        yield
    finally:
        del block.forward


def _draws(block: nn.Module) -> bool:
    """Whether a pass draws random numbers, which would be others for other positions."""
    return block.training or any(isinstance(part, nn.Dropout) and part.training and part.p for part in block.modules())


def _narrow(
    block: nn.Module, plain: Callable[..., Any], places: Tensor, hidden: Tensor, rest: Any, named: dict[str, Any]
) -> Any:
    """The block's output, computed at `places`.

    The block is called with the states at these places alone, as one row. What it calls first, its norm or its
    attention, gets all of them in their stead, and the output projection of the attention what belongs to the places.
    """
    selected = hidden.flatten(0, 1).index_select(0, places).unsqueeze(0)
    with _whole_input(block, selected, hidden), _selected_output(block, places):
        output = plain(selected, *rest, **named)
    states: Tensor = output[0] if isinstance(output, tuple) else output
    if states.shape != selected.shape:
        raise RuntimeError(f"{tuple(states.shape)} in the place of {tuple(selected.shape)}")
    whole = hidden.new_zeros(hidden.flatten(0, 1).shape).index_copy(0, places, states[0]).view(hidden.shape)
    return (whole, *output[1:]) if isinstance(output, tuple) else whole


@contextmanager
def _whole_input(block: nn.Module, selected: Tensor, hidden: Tensor) -> Iterator[None]:
    """The part of a block that is called first gets `hidden` where it would get `selected`."""
    called: list[nn.Module] = []

    def replace(part: nn.Module, positional: tuple[Any, ...], by_name: dict[str, Any]) -> Any:
        if called:
            return None
        called.append(part)
        return (
            tuple(hidden if each is selected else each for each in positional),
            {name: hidden if each is selected else each for name, each in by_name.items()},
        )

    with ExitStack() as stack:
        for part in block.children():
            stack.callback(part.register_forward_pre_hook(replace, with_kwargs=True).remove)
        yield


@contextmanager
def _selected_output(block: nn.Module, places: Tensor) -> Iterator[None]:
    """The output projection of the block's attention gets the rows of `places`. It is the first one that reads
    something else than the module does; an adapter may come behind it."""
    attention, read, done = _attention(block), list[object](), list[nn.Module]()

    def remember(_: nn.Module, positional: tuple[Any, ...], by_name: dict[str, Any]) -> None:
        read.extend((*positional, *by_name.values()))

    def select(part: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor | None:
        if done or any(inputs[0] is each for each in read):
            return None
        done.append(part)
        return inputs[0].flatten(0, -2).index_select(0, places).unsqueeze(0)

    with ExitStack() as stack:
        stack.callback(attention.register_forward_pre_hook(remember, with_kwargs=True).remove)
        for part in attention.children():
            if any(isinstance(each, PROJECTIONS) for each in part.modules()):
                stack.callback(part.register_forward_pre_hook(select).remove)
        yield


def _attention(block: nn.Module) -> nn.Module:
    """Raises ValueError for a block that has not one."""
    (attention,) = (module for module in block.modules() if is_attention(module) and hasattr(module, "layer_idx"))
    return attention


@torch.no_grad()
def _agrees(
    block: nn.Module, plain: Callable[..., Any], places: Tensor, hidden: Tensor, rest: Any, named: dict[str, Any]
) -> bool:
    """Whether both ways give the same numbers at `places`, but for rounding."""
    try:
        with unrecorded(_attention(block)):
            outputs = [plain(hidden, *rest, **named), _narrow(block, plain, places, hidden, rest, named)]
    except (RuntimeError, TypeError, ValueError, IndexError):  # a block of another form
        return False
    theirs, ours = (
        (output[0] if isinstance(output, tuple) else output).flatten(0, 1)[places].float() for output in outputs
    )
    tolerance = torch.finfo(hidden.dtype).eps ** 0.5
    return bool((ours - theirs).abs().max() <= tolerance * theirs.abs().max())
