"""Passes of a decoder-only model: over a training batch, over the prompts of a search, and over one written token.

Call inside `method.attach(backbone)`. All hidden states are those that the output layer multiplies, its scale included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from prefixrun.models import batches
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Batch, LossMode, Row, padded
from prefixrun.models.beam_attention import beams_attached
from prefixrun.models.beam_cache import BeamCache
from prefixrun.models.kv_cache import KeyValueCache
from prefixrun.models.masks import causal_mask
from prefixrun.models.prefill import PrefillState, prompt_prefix_kv
from prefixrun.models.prefix_kv import PrefixKV
from prefixrun.models.transformers_names import cache_arguments


def collate(backbone: Backbone, rows: Sequence[Row], offset: int, loss_mode: LossMode) -> Batch:
    """The tensors of some rows, on the backbone's device; see batches.collate."""
    return batches.collate(rows, offset, loss_mode, device=str(backbone.head.device), dtype=backbone.head.dtype)


def last_states(
    backbone: Backbone,
    positions: Tensor,
    mask: Tensor,
    *,
    ids: Tensor | None = None,
    embeddings: Tensor | None = None,
    cache: KeyValueCache | BeamCache | None = None,
) -> Tensor:
    """One pass over token ids (rows, length) or input embeddings (rows, length, e): the last hidden states, scaled.

    positions: (rows or 1, length); mask: (rows or 1, 1, length, keys), additive; cache: read and extended.
    """
    states: Tensor = backbone.body(
        input_ids=ids,
        inputs_embeds=embeddings,
        position_ids=positions,
        attention_mask=mask,
        **cache_arguments(cache),
    ).last_hidden_state
    return backbone.scaled(states)


def target_states(backbone: Backbone, batch: Batch) -> Tensor:
    """The last hidden states that predict the labels of a batch: (targets, d)."""
    states = last_states(backbone, batch.positions, batch.mask, ids=batch.ids)
    return states.flatten(0, 1)[batch.predicts]


def prefill(
    backbone: Backbone,
    prompts: Sequence[Sequence[int]],
    prefix_kv: Mapping[str, Sequence[PrefixKV | None]],
    offset: int | Tensor,
) -> PrefillState:
    """One pass over the prompts, padded on the right.

    Args:
        prompts: token ids, not padded.
        prefix_kv: what `method.attach` has attached, by site and layer; empty where the method has no prefix.
        offset: position of the first token of all prompts, or of each: (inputs,).
    """
    device, dtype = backbone.head.device, backbone.head.dtype
    ids, padding = padded(prompts, device)
    longest, lengths = ids.shape[1], (~padding).sum(dim=1)
    first = torch.as_tensor(offset, device=device).view(-1, 1)
    cache = KeyValueCache()
    positions = first + torch.arange(longest, device=device)
    states = last_states(backbone, positions, causal_mask(longest, dtype, device), ids=ids, cache=cache)
    # Padding is on the right, so no prompt sees it; its last token is at lengths - 1.
    hidden = states[torch.arange(len(prompts), device=device), lengths - 1].unsqueeze(1)
    joined = prompt_prefix_kv(prefix_kv.get("decoder"), cache.key_values(), padding, offset)
    return PrefillState(hidden, joined, offset + lengths)


def decode_step(backbone: Backbone, ids: Tensor, positions: Tensor, cache: BeamCache) -> Tensor:
    """The last hidden states (rows, 1, d) of one new token a row; its keys and values are written into `cache`.

    ids, positions: (rows, 1). A row sees what `cache` has of it: trained prefix, prompt and the tokens that it wrote.
    """
    with beams_attached(backbone.model, cache, in_place_of_prefix=True):
        return last_states(backbone, positions, cache.tables.mask, ids=ids, cache=cache)
