"""How an encoder-decoder with a method on it reads: a training batch, the inputs of a search, what it writes.

The counterpart of `forward`. A prefix stands in front of the encoder's self-attention, of the decoder's and of its
cross attention; none of them moves a position (paper's code, seq2seq/prefixTuning.py): BART counts text alone, and
T5's relative bias is between text and text. Call inside `method.attach(backbone)`. All states are those that the output
layer multiplies, T5's scale included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from prefixrun.models import encoder_decoder_batches
from prefixrun.models.attention import KeyValueCache, SplitCache, recorded
from prefixrun.models.batches import Batch, LossMode, Row, padded
from prefixrun.models.decoder_only import PrefillState, behind
from prefixrun.models.encoder_decoder_batches import SplitBatch, padding_bias

if TYPE_CHECKING:
    from prefixrun.models.backbone import Backbone


def collate(backbone: Backbone, rows: Sequence[Row], loss_mode: LossMode) -> SplitBatch:
    """The tensors of some rows, on the backbone's device."""
    head = backbone.head
    return encoder_decoder_batches.collate(
        rows, backbone.tokenizer.start, loss_mode, device=str(head.device), dtype=head.dtype
    )


def target_states(backbone: Backbone, batch: Batch) -> Tensor:
    """The last hidden states that predict the labels of a batch: (targets, d)."""
    assert isinstance(batch, SplitBatch)
    encoded = encode(backbone, batch.source, batch.source_mask)
    states = decode(backbone, batch.ids, batch.mask, encoded[batch.entries], batch.source_mask[batch.entries])
    return states.flatten(0, 1)[batch.predicts]


def encode(backbone: Backbone, ids: Tensor, mask: Tensor) -> Tensor:
    """The encoder's states (inputs, length, d). ids: (inputs, length), mask: (inputs, 1, 1, length), additive."""
    states: Tensor = backbone.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    return states


def prefill(backbone: Backbone, prompts: Sequence[Sequence[int]], prefix: Mapping[str, Tensor]) -> PrefillState:
    """Encode each input once and let the decoder read its start token; prompts: token ids, not padded.

    From here on the keys and values of an input, behind the prefix of the cross attention, are a front of that
    attention, which all beams of the input share. The prefix of the decoder stays where `method.attach` has put it. The
    start token is a token of the search's own, because T5 weighs how far it is away.

    prefix: keys and values by site, see methods.base.PrefixKeyValues; without "cross" where the method has none there.
    """
    device, dtype = backbone.head.device, backbone.head.dtype
    ids, padding = padded(prompts, device)
    mask = padding_bias(padding, dtype)
    encoded = encode(backbone, ids, mask)
    start = torch.full((len(prompts), 1), backbone.tokenizer.start, device=device)
    with recorded(backbone.model, ("decoder", "cross")) as seen:
        hidden = decode(backbone, start, torch.zeros(1, 1, 1, 1, dtype=dtype, device=device), encoded, mask)
    return PrefillState(
        hidden,
        prefix_kv={"cross": behind(prefix.get("cross"), KeyValueCache.of(seen["cross"]), padding)},
        positions=torch.ones(len(prompts), dtype=torch.long, device=device),
        cache=KeyValueCache.of(seen["decoder"]),
    )


def decode_step(backbone: Backbone, ids: Tensor, cache: KeyValueCache) -> Tensor:
    """Last hidden states (rows, 1, d) of one token a row, behind what `cache` holds. ids: (rows, 1).

    The inputs stand in front of the cross attention (`prefill`), so the decoder is given empty ones.
    """
    dtype, device, shape = backbone.head.dtype, ids.device, backbone.shape
    nothing = torch.zeros(len(ids), shape.kv_heads, 0, shape.head_dim, dtype=dtype, device=device)
    return decode(
        backbone,
        ids,
        torch.zeros(1, 1, 1, cache.get_seq_length() + 1, dtype=dtype, device=device),
        torch.zeros(len(ids), 0, shape.width, dtype=dtype, device=device),
        torch.zeros(1, 1, 1, 0, dtype=dtype, device=device),
        SplitCache(cache, nothing, shape.layers),
    )


def decode(
    backbone: Backbone,
    ids: Tensor,
    mask: Tensor,
    encoded: Tensor,
    encoded_mask: Tensor,
    cache: SplitCache | None = None,
) -> Tensor:
    """The decoder's last states (rows, length, d), scaled. encoded: (rows, source length, d); masks are additive."""
    states: Tensor = backbone.decoder(
        input_ids=ids,
        attention_mask=mask,
        encoder_hidden_states=encoded,
        encoder_attention_mask=encoded_mask,
        past_key_values=cache,
        use_cache=cache is not None,
    ).last_hidden_state
    return states * backbone.head_scale
