"""Passes over one batch that differ from a recorded one from some block on, which compute the blocks from there alone.

Leaving a prefix out at one layer changes nothing below that layer. Without gradients and without a cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from prefixrun.models.attention import attention_sites
from prefixrun.models.blocks import blocks, stacks
from prefixrun.models.replaced import replaced

Recorded = Sequence[Sequence[Any]]
"""What each block of each stack has returned, from bottom to top."""


@contextmanager
def blocks_recorded(model: PreTrainedModel) -> Iterator[Recorded]:
    """Collect what the blocks return in the one pass within the block."""
    outputs: list[list[Any]] = [[] for _ in stacks(model)]
    with ExitStack() as hooks:
        for stack, of_stack in zip(stacks(model), outputs, strict=True):
            for block in blocks(stack):
                hooks.enter_context(block.register_forward_hook(_recorder(of_stack)))
        yield outputs


def _recorder(outputs: list[Any]) -> Callable[..., None]:
    def record(_: nn.Module, __: Any, output: Any) -> None:
        outputs.append(output)

    return record


@contextmanager
def blocks_repeated(model: PreTrainedModel, recorded: Recorded, first: Sequence[int]) -> Iterator[None]:
    """Within the block, the blocks below `first` (of each stack, the number that is computed first) return what was
    recorded, without computing it."""
    entries = [
        (vars(block), "forward", _returning(output))
        for stack, outputs, start in zip(stacks(model), recorded, first, strict=True)
        for block, output in zip(blocks(stack)[:start], outputs, strict=False)
    ]
    with replaced(entries):
        yield


def _returning(output: Any) -> Callable[..., Any]:
    return lambda *_, **__: output


def first_blocks(model: PreTrainedModel, changed: Mapping[str, int]) -> list[int]:
    """The first block of each stack that a change reaches. changed: site → the lowest layer that it is at.

    All blocks of a decoder see what its encoder gives.
    """
    sites = attention_sites(model)
    firsts: list[int] = []
    is_reached = False
    for stack in stacks(model):
        of_stack = blocks(stack)
        numbers = [
            number
            for site, layer in changed.items()
            for number, block in enumerate(of_stack)
            if any(module is sites[site][layer] for module in block.modules())
        ]
        firsts.append(0 if is_reached else min(numbers, default=len(of_stack)))
        is_reached = is_reached or bool(numbers)
    return firsts
