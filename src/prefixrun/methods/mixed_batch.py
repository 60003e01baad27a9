"""Several trained prefixes in one batch, each row behind its own: one frozen backbone serves them all (section 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from prefixrun.methods.base import Method, PrefixKeyValues
from prefixrun.models import decoder_only
from prefixrun.models.prefill import PrefillState
from prefixrun.models.prefix_kv import PrefixKV, row_prefix_kv

if TYPE_CHECKING:
    from prefixrun.models.backbone import Backbone


class MixedPrefixes(Method):
    """Row i of every batch of prompts stands behind prefix `rows[i]`, as if it were alone; decoder-only models."""

    def __init__(self, prefixes: Sequence[PrefixKeyValues], rows: Sequence[int]) -> None:
        super().__init__()
        self.prefixes = [prefix["decoder"] for prefix in prefixes]
        device = self.prefixes[0].device
        self._rows = torch.tensor(list(rows), device=device)
        self._lengths = torch.tensor([self.prefixes[row].shape[3] for row in rows], device=device)

    def prefix_kv(self, backbone: Backbone) -> Mapping[str, Sequence[PrefixKV]]:
        """Each row's prefix by layer."""
        return {"decoder": row_prefix_kv(self.prefixes, self._rows, backbone.head.dtype)}

    def prefill(self, backbone: Backbone, prompts: Sequence[Sequence[int]]) -> PrefillState:
        return decoder_only.prefill(backbone, prompts, self.prefix_kv(backbone), self._lengths)
