"""What every method is: parameters that are trained on a backbone whose own never move.

A method takes part in a forward pass in one or both of two ways. It gives keys and values that stand in front of
attention modules (`key_values`), or it changes what modules compute while it is attached (`attach`). What is kept
after training is `trained_tensors`, and `methods.restore` makes from it a method that is ready for use.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor, nn

from prefixrun.models import decoder_only, encoder_decoder
from prefixrun.models.attention import attach_prefix
from prefixrun.models.batches import Batch, LossMode, Row
from prefixrun.models.beam_cache import BeamCache
from prefixrun.models.prefill import PrefillState
from prefixrun.models.prefix_kv import PrefixKV, shared_prefix_kv

if TYPE_CHECKING:
    from prefixrun.config.schema import Config
    from prefixrun.models.backbone import Backbone

PrefixKeyValues = Mapping[str, Tensor]
"""Attention site ("decoder"; also "encoder" and "cross" in encoder-decoders) → keys and values of its layers:
(layers, 2, kv_heads, prefix_len, head_dim), index 0 of the second axis the keys and 1 the values. The layers are all of
the model's, or those that method.layers chooses."""


class Method(nn.Module):
    """A method without parameters, which leaves the backbone as it is; the others override what they change."""

    nested = False
    """Whether each training batch uses the first positions alone, see method.nested in the schema."""

    def on_copy(self, backbone: Backbone) -> Method:
        """The trained method for another copy of the model, on its device; the parameters keep their dtype."""
        return copy.deepcopy(self).to(backbone.head.device)

    def begin_batch(self, stream: np.random.Generator) -> None:
        """Draw from `stream` what differs from one training batch to the next."""

    @property
    def offset(self) -> int:
        """Positions that the text of a decoder-only model is shifted by, as GPT-2 does behind a past."""
        return 0

    def initialize(self, backbone: Backbone, config: Config) -> float | None:
        """Initialise as `config.init` says.

        Returns the mean squared error that a fit left, None where nothing was fitted. Raises ConfigError.
        """
        return None

    def key_values(self, backbone: Backbone) -> PrefixKeyValues:
        """Keys and values in front of the attention modules; gradients reach the parameters."""
        return {}

    def prefix_kv(self, backbone: Backbone) -> Mapping[str, Sequence[PrefixKV | None]]:
        """The same by site and layer of the backbone, in its dtype; None at a layer without a prefix."""
        return shared_prefix_kv(self.key_values(backbone), backbone.head.dtype)

    @contextmanager
    def attach(self, backbone: Backbone) -> Iterator[None]:
        """Take part in every pass of the backbone within the block."""
        with attach_prefix(backbone.model, self.prefix_kv(backbone)):
            yield

    def collate(self, backbone: Backbone, rows: Sequence[Row], loss_mode: LossMode) -> Batch:
        """The tensors that `target_states` reads."""
        if backbone.is_seq2seq:
            return encoder_decoder.collate(backbone, rows, loss_mode)
        return decoder_only.collate(backbone, rows, self.offset, loss_mode)

    def target_states(self, backbone: Backbone, batch: Batch) -> Tensor:
        """The last hidden states that predict the labels of a batch: (targets, d). Call inside `attach`."""
        if backbone.is_seq2seq:
            return encoder_decoder.target_states(backbone, batch)
        return decoder_only.target_states(backbone, batch)

    def prefill(self, backbone: Backbone, prompts: Sequence[Sequence[int]]) -> PrefillState:
        """What a search starts from. prompts: token ids, not padded. Call inside `attach`."""
        prefix_kv = self.prefix_kv(backbone)
        if backbone.is_seq2seq:
            return encoder_decoder.prefill(backbone, prompts, prefix_kv)
        return decoder_only.prefill(backbone, prompts, prefix_kv, self.offset)

    def decode_step(self, backbone: Backbone, ids: Tensor, positions: Tensor, cache: BeamCache) -> Tensor:
        """The last hidden states of the token that each beam has written last: (rows, 1, d); ids, positions: (rows, 1).
        Call inside `attach`, behind `cache.advance`."""
        if backbone.is_seq2seq:
            return encoder_decoder.decode_step(backbone, ids, cache)
        return decoder_only.decode_step(backbone, ids, positions, cache)

    def trained_tensors(self) -> dict[str, Tensor]:
        """What is stored after training, by name."""
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    @property
    def trained_count(self) -> int:
        """Number of parameters that the optimiser moves."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    @property
    def stored_count(self) -> int:
        """Number of parameters that are stored after training."""
        return sum(tensor.numel() for tensor in self.trained_tensors().values())
