"""Gradient checkpointing: the blocks of a frozen model keep their inputs alone, and compute again what gradients need.

transformers' own is off in eval mode, in which frozen models are here, and knows nothing of what is attached inside
attention: a block that is computed again has to find the prefix that it had the first time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from prefixrun.models.attention import attention_sites
from prefixrun.models.blocks import blocks, stacks
from prefixrun.models.kv_cache import KeyValueCache
from prefixrun.models.replaced import replaced


@contextmanager
def checkpointed_blocks(model: PreTrainedModel) -> Iterator[None]:
    """Within the block, passes of `model` with gradients keep the inputs of its blocks alone.

    The operations of a backward pass and their order stay the same, and so do its gradients. It has to be done within
    the same `method.attach(backbone)` as the forward pass, because parameters, adapters and updates are looked up
    again; prefixes may have been detached meanwhile. Passes that extend a cache keep everything, or they would do so
    twice.
    """
    all_blocks = [block for stack in stacks(model) for block in blocks(stack)]
    with replaced((vars(block), "forward", _checkpointed(block)) for block in all_blocks):
        yield


def _checkpointed(block: nn.Module) -> Callable[..., Any]:
    forward = block.forward
    modules = [module for per_layer in attention_sites(block).values() for module in per_layer]

    def keep_inputs(*inputs: Any, **named_inputs: Any) -> Any:
        if not torch.is_grad_enabled() or any(
            isinstance(value, KeyValueCache) for value in (*inputs, *named_inputs.values())
        ):
            return forward(*inputs, **named_inputs)
        prefixes = [(module, getattr(module, "prefix_kv", None)) for module in modules]

        def with_prefixes(*inputs: Any, **named_inputs: Any) -> Any:
            with replaced((vars(module), "prefix_kv", prefix) for module, prefix in prefixes):
                return forward(*inputs, **named_inputs)

        return checkpoint(with_prefixes, *inputs, use_reentrant=False, **named_inputs)

    return keep_inputs
