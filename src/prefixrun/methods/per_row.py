"""Several trained prefixes in one batch, each row behind its own: one frozen backbone serves them all (section 8)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from prefixrun.methods.base import Method, PrefixKeyValues
from prefixrun.models import decoder_only
from prefixrun.models.attention import KeyValueCache, PrefixKV, attach_prefix, causal_mask
from prefixrun.models.batches import padded
from prefixrun.models.row_prefixes import row_prefix_kv

if TYPE_CHECKING:
    from prefixrun.models.backbone import Backbone


class MixedPrefixes(Method):
    """Row i of every batch of prompts stands behind prefix `rows[i]`, as if it were alone; decoder-only models."""

    def __init__(self, prefixes: Sequence[PrefixKeyValues], rows: Sequence[int]) -> None:
        super().__init__()
        self.prefixes = [flat["decoder"] for flat in prefixes]
        self.rows = list(rows)
        device = self.prefixes[0].device
        self._rows = torch.tensor(self.rows, device=device)
        self._lengths = torch.tensor([self.prefixes[row].shape[3] for row in self.rows], device=device)

    def own(self, dtype: torch.dtype) -> list[PrefixKV]:
        """Each row's prefix by layer."""
        return row_prefix_kv(self.prefixes, self._rows, dtype)

    @contextmanager
    def attach(self, backbone: Backbone) -> Iterator[None]:
        with attach_prefix(backbone.model, {"decoder": self.own(backbone.head.dtype)}):
            yield

    def prefill(self, backbone: Backbone, prompts: Sequence[Sequence[int]]) -> decoder_only.PrefillState:
        device, dtype = backbone.head.device, backbone.head.dtype
        ids, padding = padded(prompts, device)
        cache = KeyValueCache()
        states: Tensor = backbone.body(
            input_ids=ids,
            position_ids=self._lengths.unsqueeze(1) + torch.arange(ids.shape[1], device=device),
            attention_mask=causal_mask(ids.shape[1], dtype, device),
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
        lengths = (~padding).sum(dim=1)
        hidden = states[torch.arange(len(prompts), device=device), lengths - 1].unsqueeze(1)
        joined = [
            first.then(second)
            for first, second in zip(self.own(dtype), decoder_only.behind(None, cache, padding), strict=True)
        ]
        return decoder_only.PrefillState(hidden, {"decoder": joined}, self._lengths + lengths)
