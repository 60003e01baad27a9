"""What one pass over the prompts leaves behind for a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from prefixrun.models.masks import padding_mask
from prefixrun.models.prefix_kv import PrefixKV


@dataclass(frozen=True, slots=True)
class PrefillState:
    """Where a search starts.

    What the model has read is the same for all beams of an input, so it is stored once an input: each tensor has one
    entry an input.
    """

    hidden: Tensor
    """(inputs, 1, d): the last hidden states that predict the first token of each output."""
    beam_kv: Sequence[PrefixKV]
    """By layer of the decoder, the keys and values that every output continues: trained prefix and prompt; in an
    encoder-decoder, where the decoder's prefix stays attached, those of the start token."""
    positions: Tensor
    """(inputs,): the position of the first token of each output."""
    cross_kv: Sequence[PrefixKV] = ()
    """By layer, what the cross attention of an encoder-decoder sees: trained prefix and encoded input."""

    def select(self, inputs: Tensor) -> PrefillState:
        """The state of some inputs: (selected,) indices."""
        return PrefillState(
            self.hidden[inputs],
            [entry.select(inputs) for entry in self.beam_kv],
            self.positions[inputs],
            [entry.select(inputs) for entry in self.cross_kv],
        )


def prompt_prefix_kv(
    prefix: Sequence[PrefixKV | None] | None,
    key_values: Sequence[tuple[Tensor, Tensor]],
    padding: Tensor,
    offset: int | Tensor = 0,
) -> list[PrefixKV]:
    """By layer, the keys and values of the prompts behind those of a trained prefix; one entry an input.

    prefix: by layer, or None where the method has none. offset: position of the first token of a prompt, the same for
    all of them unless every layer has a prefix. key_values: by layer, each (inputs, kv_heads, length,
    head_dim). padding: (inputs, length), true where a prompt has ended.
    """
    bias = padding_mask(padding, key_values[0][0].dtype)
    first = offset if isinstance(offset, int) else 0
    prompts = [PrefixKV(keys, values, bias, first) for keys, values in key_values]
    if prefix is None:
        return prompts
    pairs = zip(prefix, prompts, strict=True)
    return [prompt if before is None else before.followed_by(prompt) for before, prompt in pairs]
