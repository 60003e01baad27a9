"""Passes of an encoder-decoder: over a training batch, over the inputs of a search, and over one written token.

The counterpart of decoder_only. A prefix is attached to the encoder's self-attention, to the decoder's and to its cross
attention; none of them shifts a position (paper's code, seq2seq/prefixTuning.py): BART numbers the text alone, and T5's
relative bias is between tokens of the text. Call inside `method.attach(backbone)`. All hidden states are those that
the output layer multiplies, T5's scale included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from prefixrun.models import encoder_decoder_batches
from prefixrun.models.attention import recorded
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Batch, LossMode, Row, padded
from prefixrun.models.beam_attention import beams_attached
from prefixrun.models.beam_cache import BeamCache
from prefixrun.models.encoder_decoder_batches import EncoderDecoderBatch
from prefixrun.models.kv_cache import EmptyCrossCache
from prefixrun.models.masks import padding_mask
from prefixrun.models.prefill import PrefillState, prompt_prefix_kv
from prefixrun.models.prefix_kv import PrefixKV
from prefixrun.models.transformers_names import cache_arguments


def collate(backbone: Backbone, rows: Sequence[Row], loss_mode: LossMode) -> EncoderDecoderBatch:
    """The tensors of some rows, on the backbone's device; see encoder_decoder_batches.collate."""
    head = backbone.head
    return encoder_decoder_batches.collate(
        rows, backbone.tokenizer.start, loss_mode, device=str(head.device), dtype=head.dtype
    )


def target_states(backbone: Backbone, batch: Batch) -> Tensor:
    """The last hidden states that predict the labels of a batch: (targets, d)."""
    assert isinstance(batch, EncoderDecoderBatch)
    # Each source is encoded once, then repeated for each of its targets.
    encoded = encode(backbone, batch.source, batch.source_mask)[batch.source_of_row]
    states = decode(backbone, batch.ids, batch.mask, encoded, batch.source_mask[batch.source_of_row])
    return states.flatten(0, 1)[batch.predicts]


def prefill(
    backbone: Backbone, prompts: Sequence[Sequence[int]], prefix_kv: Mapping[str, Sequence[PrefixKV | None]]
) -> PrefillState:
    """Encode each input once and let the decoder read its start token.

    From here on the keys and values of an input's encoding, behind the prefix of the cross attention, are a prefix of
    the cross attention that all beams of the input share. The decoder's prefix stays as `method.attach` has attached
    it. The start token begins the cache of every output, because T5 weighs how far away it is.

    Args:
        prompts: token ids, not padded.
        prefix_kv: what `method.attach` has attached, by site and layer; without "cross" where the method has none
            there.
    """
    device, dtype = backbone.head.device, backbone.head.dtype
    ids, padding = padded(prompts, device)
    mask = padding_mask(padding, dtype)
    encoded = encode(backbone, ids, mask)
    start = torch.full((len(prompts), 1), backbone.tokenizer.start, device=device)
    with recorded(backbone.model, ("decoder", "cross")) as key_values:
        hidden = decode(backbone, start, torch.zeros(1, 1, 1, 1, dtype=dtype, device=device), encoded, mask)
    return PrefillState(
        hidden,
        beam_kv=[PrefixKV(keys, values) for keys, values in key_values["decoder"]],
        positions=torch.ones(len(prompts), dtype=torch.long, device=device),
        cross_kv=prompt_prefix_kv(prefix_kv.get("cross"), key_values["cross"], padding),
    )


def decode_step(backbone: Backbone, ids: Tensor, cache: BeamCache) -> Tensor:
    """The last hidden states (rows, 1, d) of one new token a row; its keys and values are written into `cache`.

    ids: (rows, 1). The input is a prefix of the cross attention (`prefill`), so the decoder gets an empty encoding.
    """
    dtype, device, shape = backbone.head.dtype, ids.device, backbone.shape
    empty = torch.zeros(len(ids), shape.kv_heads, 0, shape.head_dim, dtype=dtype, device=device)
    with beams_attached(backbone.model, cache, in_place_of_prefix=False):
        return decode(
            backbone,
            ids,
            cache.tables.mask,
            torch.zeros(len(ids), 0, shape.width, dtype=dtype, device=device),
            torch.zeros(1, 1, 1, 0, dtype=dtype, device=device),
            EmptyCrossCache(cache, empty, shape.layers),
        )


def encode(backbone: Backbone, ids: Tensor, mask: Tensor) -> Tensor:
    """The encoder's states (inputs, length, d). ids: (inputs, length), mask: (inputs, 1, 1, length), additive."""
    states: Tensor = backbone.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    return states


def decode(
    backbone: Backbone,
    ids: Tensor,
    mask: Tensor,
    encoded: Tensor,
    encoded_mask: Tensor,
    cache: EmptyCrossCache | None = None,
) -> Tensor:
    """The decoder's last states (rows, length, d), scaled.

    ids: (rows, length); mask: (rows or 1, 1, length, keys), additive; encoded: (rows, source length, d); encoded_mask:
    (rows or 1, 1, 1, source length), additive.
    """
    states: Tensor = backbone.decoder(
        input_ids=ids,
        attention_mask=mask,
        encoder_hidden_states=encoded,
        encoder_attention_mask=encoded_mask,
        **cache_arguments(cache),
    ).last_hidden_state
    return backbone.scaled(states)
