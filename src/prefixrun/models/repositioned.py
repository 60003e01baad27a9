"""Keys and values of some tokens of a text, as if these tokens stood next to each other at the beginning.

What a token's keys and values hold of the text comes from its hidden states, which have seen all that stands before it.
Where a model rotates its keys by position (RoPE), a key of the 50th token that becomes the 5th of a prefix has to be
rotated as the 5th, or the text behind the prefix would see it at a distance that no text has. So the hidden states are
those of the whole text, and what the attention modules make of them those of the new positions, as in a cache whose
positions are counted within it (StreamingLLM, Xiao et al., arXiv 2309.17453, section 3.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from prefixrun.models.attention import attention_sites, recorded
from prefixrun.models.decoder_only import last_states
from prefixrun.models.encoder_decoder import decode, encode
from prefixrun.models.masks import causal_mask

if TYPE_CHECKING:
    from prefixrun.models.backbone import Backbone

INPUT = "hidden_states"
"""Name of the first argument of an attention module of transformers."""


@torch.no_grad()
def key_values_at(backbone: Backbone, ids: Sequence[int], indices: Sequence[int]) -> dict[str, Tensor]:
    """By site, keys and values of the tokens at `indices` of a text, moved to positions 0, 1, ...

    ids: the text, which an encoder-decoder reads as its input and as its output for it. indices: ascending.
    Each: (layers, 2, kv_heads, len(indices), head_dim), float32.
    """
    modules = [
        module for site, modules in attention_sites(backbone.model).items() if site != "cross" for module in modules
    ]
    with _inputs_recorded(modules) as inputs:
        encoded = _read(backbone, ids, None)
    chosen = torch.tensor(indices, device=backbone.head.device)
    inputs = [states[:, chosen] for states in inputs]
    with _inputs_replaced(modules, inputs), recorded(backbone.model, backbone.sites) as seen:
        # The tokens are the right ones for what a model may do with them beside attending.
        _read(backbone, [ids[index] for index in indices], None if encoded is None else encoded[:, chosen])
    return {site: torch.stack([torch.cat(layer) for layer in layers]).float() for site, layers in seen.items()}


def _read(backbone: Backbone, ids: Sequence[int], encoded: Tensor | None) -> Tensor | None:
    """One pass over a text at positions 0, 1, ...; the states of an encoder, which the decoder sees or `encoded`."""
    tokens = torch.tensor([list(ids)], device=backbone.head.device)
    mask = causal_mask(len(ids), backbone.head.dtype, tokens.device)
    if not backbone.is_seq2seq:
        positions = torch.arange(len(ids), device=tokens.device).unsqueeze(0)
        last_states(backbone, positions, mask, ids=tokens)
        return None
    free = torch.zeros(1, 1, 1, len(ids), dtype=mask.dtype, device=tokens.device)
    states = encode(backbone, tokens, free)
    decode(backbone, tokens, mask, states if encoded is None else encoded, free)
    return states


@contextmanager
def _inputs_recorded(modules: Sequence[nn.Module]) -> Iterator[list[Tensor]]:
    """Collect the hidden states that each module reads within the block, in the order of the calls."""
    inputs: list[Tensor] = []

    def record(_: nn.Module, positional: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        inputs.append(positional[0] if positional else named[INPUT])

    with ExitStack() as hooks:
        for module in modules:
            hooks.enter_context(module.register_forward_pre_hook(record, with_kwargs=True))
        yield inputs


@contextmanager
def _inputs_replaced(modules: Sequence[nn.Module], inputs: Sequence[Tensor]) -> Iterator[None]:
    """Let the modules read `inputs` instead, in the order of the calls."""
    rest = iter(inputs)

    def replace(
        _: nn.Module, positional: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if positional:
            return (next(rest), *positional[1:]), named
        return positional, {**named, INPUT: next(rest)}

    with ExitStack() as hooks:
        for module in modules:
            hooks.enter_context(module.register_forward_pre_hook(replace, with_kwargs=True))
        yield
