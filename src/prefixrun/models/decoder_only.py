"""How a decoder-only backbone with a method on it reads: a training batch, the prompts of a search, what it writes.

Call inside `method.attach(backbone)`. All states are those that the output layer multiplies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from prefixrun.models import batches
from prefixrun.models.attention import KeyValueCache, PrefixKV, causal_mask
from prefixrun.models.batches import Batch, LossMode, Row, padded

if TYPE_CHECKING:
    from prefixrun.models.backbone import Backbone


@dataclass(frozen=True, slots=True)
class PrefillState:
    """Where a search starts: what the model has made of the prompts.

    `hidden`: (inputs, 1, d), the states that predict the first token. `prefix_kv`: site → for each layer what stands in
    front of the tokens that a search writes, one entry an input. `positions`: (inputs,) position of the first of them.
    `cache`: what the inputs have read as their own, a row each.
    """

    hidden: Tensor
    prefix_kv: Mapping[str, Sequence[PrefixKV]]
    positions: Tensor
    cache: KeyValueCache = field(default_factory=KeyValueCache)


def collate(backbone: Backbone, rows: Sequence[Row], offset: int, loss_mode: LossMode) -> Batch:
    """The tensors of some rows, on the backbone's device."""
    return batches.collate(rows, offset, loss_mode, device=str(backbone.head.device), dtype=backbone.head.dtype)


def target_states(backbone: Backbone, batch: Batch) -> Tensor:
    """The last hidden states that predict the labels of a batch: (targets, d)."""
    states: Tensor = backbone.body(
        input_ids=batch.ids, position_ids=batch.positions, attention_mask=batch.mask, use_cache=False
    ).last_hidden_state
    return states.flatten(0, 1)[batch.predicts]


def prefill(
    backbone: Backbone, prompts: Sequence[Sequence[int]], prefix: Mapping[str, Tensor], offset: int
) -> PrefillState:
    """One pass over the prompts of a decoder-only model, padded on the right; prompts: token ids.

    prefix: keys and values by site, see methods.base.PrefixKeyValues; empty where the method has none.
    """
    device, dtype = backbone.head.device, backbone.head.dtype
    ids, padding = padded(prompts, device)
    longest = ids.shape[1]
    cache = KeyValueCache()
    states = backbone.body(
        input_ids=ids,
        position_ids=torch.arange(offset, offset + longest, device=device).unsqueeze(0),
        attention_mask=causal_mask(longest, dtype, device),
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state
    lengths = (~padding).sum(dim=1)
    hidden = states[torch.arange(len(prompts), device=device), lengths - 1].unsqueeze(1)
    joined = behind(prefix.get("decoder"), cache, padding)
    return PrefillState(hidden, {"decoder": joined}, offset + lengths)


def decode_step(backbone: Backbone, ids: Tensor, positions: Tensor, cache: KeyValueCache) -> Tensor:
    """Last hidden states (rows, 1, d) of one token a row, behind what `cache` holds. ids, positions: (rows, 1)."""
    seen = cache.get_seq_length() + 1
    states: Tensor = backbone.body(
        input_ids=ids,
        position_ids=positions,
        attention_mask=torch.zeros(1, 1, 1, seen, dtype=backbone.head.dtype, device=ids.device),
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state
    return states


def behind(prefix: Tensor | None, cache: KeyValueCache, padding: Tensor) -> list[PrefixKV]:
    """Fronts, one entry an input, of what a cache holds behind a prefix.

    prefix: (layers, 2, kv_heads, prefix_len, head_dim) or none. padding: (inputs, length), which nothing sees.
    """
    inputs, dtype = len(padding), cache.keys[0].dtype
    bias = torch.zeros(padding.shape, dtype=dtype, device=padding.device)
    bias.masked_fill_(padding, torch.finfo(dtype).min)
    pairs = list(zip(cache.keys, cache.values, strict=True))
    if prefix is not None:
        bias = torch.nn.functional.pad(bias, (prefix.shape[3], 0))
        before = prefix.to(bias).unsqueeze(2).expand(-1, -1, inputs, -1, -1, -1)
        pairs = [
            (torch.cat([layer[0], keys], dim=2), torch.cat([layer[1], values], dim=2))
            for layer, (keys, values) in zip(before, pairs, strict=True)
        ]
    return [PrefixKV(keys, values, bias[:, None, None, :]) for keys, values in pairs]
