"""Embedding-only tuning (section 7.2 of the paper): what is trained are input embeddings of virtual tokens.

All that stands in front of the text is what the frozen model computes from them at positions 0, 1, ..., so the upper
layers are no longer free, and the gradient runs through the model twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from prefixrun.methods.base import PrefixKeyValues
from prefixrun.methods.init import initial_embeddings, keys_values
from prefixrun.methods.prefix import FixedPrefix, Prefix
from prefixrun.methods.virtual_tokens import VirtualTokens
from prefixrun.models.attention import attach_prefix

if TYPE_CHECKING:
    from prefixrun.config.schema import Config
    from prefixrun.models.backbone import Backbone

NAME = "embedding"
"""Of the stored tensor: (prefix_len, d)."""


class EmbeddingPrefix(Prefix):
    """A prefix that is computed from trained embeddings in every pass."""

    def __init__(self, table: VirtualTokens, dropout: float = 0.0) -> None:
        super().__init__(table.embedding.num_embeddings, dropout)
        self.table = table

    def key_values(self, backbone: Backbone) -> PrefixKeyValues:
        return self.with_dropout(activations_of(backbone, self.table()))

    def trained_tensors(self) -> dict[str, Tensor]:
        return {NAME: self.table().detach()}

    def initialize(self, backbone: Backbone, config: Config) -> float | None:
        return self.table.initialize(config.init, initial_embeddings(backbone, config), config.seed)


class FixedEmbedding(FixedPrefix):
    """Trained embeddings in use: their keys and values are computed once."""

    def __init__(self, backbone: Backbone, table: Tensor) -> None:
        with torch.no_grad():
            super().__init__(activations_of(backbone, table))
        self.register_buffer("table", table)

    def trained_tensors(self) -> dict[str, Tensor]:
        table = self.get_buffer("table")
        return {NAME: table.detach()}


def activations_of(backbone: Backbone, table: Tensor) -> PrefixKeyValues:
    """Keys and values of virtual tokens with the embeddings `table`: (prefix_len, d); nothing stands before them."""
    layers = backbone.shape.layers
    with attach_prefix(backbone.model, {"decoder": [None] * layers}):
        return {"decoder": keys_values(backbone, table.unsqueeze(0).to(backbone.head.dtype)).float()}


def build(config: Config, backbone: Backbone) -> EmbeddingPrefix:
    """With its random initialisation."""
    table = VirtualTokens(
        config.prefix_len, backbone.embedding_width, config.method.mid_dim if config.method.mlp else None
    )
    return EmbeddingPrefix(table, config.method.prefix_dropout)


def restore(config: Config, backbone: Backbone, tensors: Mapping[str, Tensor]) -> FixedEmbedding:
    """From what was stored."""
    return FixedEmbedding(backbone, tensors[NAME])
