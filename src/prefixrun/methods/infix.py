"""Infix-tuning (section 7.3 of the paper): trained keys and values between the input and the output.

The sequence is [input; infix; output]. The model reads the input and the infix's own embeddings, the trained keys and
values are added to what it computes at the infix's positions, and behind both it reads the separator and the output.
Only there do the trained ones count: the input is read without them, and cannot be led by them. That is what the paper
compares with a prefix.

The paper's code numbers the output's positions from the padded length of a batch's inputs. Here each output goes on
behind its own input and infix, in training as in use: the code's numbering depends on which inputs share a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from prefixrun.methods.base import Method
from prefixrun.methods.init import generator, initial_embeddings
from prefixrun.methods.prefix import MLPPrefix, Prefix
from prefixrun.methods.prefix_flat import FlatPrefix
from prefixrun.methods.virtual_tokens import VirtualTokens
from prefixrun.models import decoder_only
from prefixrun.models.attention import attach_prefix, recorded
from prefixrun.models.batches import Batch, LossMode, Row, padded
from prefixrun.models.kv_cache import KeyValueCache
from prefixrun.models.masks import causal_mask, padding_mask
from prefixrun.models.prefill import PrefillState
from prefixrun.models.prefix_kv import PrefixKV

if TYPE_CHECKING:
    from prefixrun.config.schema import Config
    from prefixrun.models.backbone import Backbone


@dataclass(frozen=True, slots=True)
class InfixBatch(Batch):
    """A batch whose rows are the separator with the targets behind it; `sources` are read first."""

    sources: tuple[tuple[int, ...], ...]

    @property
    def position_count(self) -> int:
        """Token positions of both passes, padding included; those of the infix are not tokens."""
        return self.ids.numel() + len(self.sources) * max(map(len, self.sources))


class Infix(Method):
    """Trained embeddings of the infix, and keys and values that are added at its positions."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length

    def parts(self) -> tuple[Tensor, Tensor]:
        """Embeddings (length, d), and the added keys and values (layers, 2, kv_heads, length, head_dim)."""
        raise NotImplementedError

    def added(self) -> Tensor:
        """What is added in this pass."""
        return self.parts()[1]

    def trained_tensors(self) -> dict[str, Tensor]:
        embedding, prefix = self.parts()
        return {"embedding": embedding.detach(), "prefix": prefix.detach()}

    def collate(self, backbone: Backbone, rows: Sequence[Row], loss_mode: LossMode) -> InfixBatch:
        behind = [Row(row.source[-1:], row.targets) for row in rows]
        batch = decoder_only.collate(backbone, behind, 0, loss_mode)
        before = torch.tensor([len(row.source) - 1 + self.length for row in rows], device=batch.ids.device)
        values = {field.name: getattr(batch, field.name) for field in fields(Batch)}
        values["positions"] = batch.positions + before.unsqueeze(1)
        return InfixBatch(**values, sources=tuple(row.source[:-1] for row in rows))

    def target_states(self, backbone: Backbone, batch: Batch) -> Tensor:
        assert isinstance(batch, InfixBatch)
        with attach_prefix(backbone.model, {"decoder": self._read_inputs(backbone, batch.sources)}):
            return decoder_only.target_states(backbone, batch)

    def prefill(self, backbone: Backbone, prompts: Sequence[Sequence[int]]) -> PrefillState:
        device, dtype = backbone.head.device, backbone.head.dtype
        before = self._read_inputs(backbone, [prompt[:-1] for prompt in prompts])
        positions = torch.tensor([len(prompt) - 1 + self.length for prompt in prompts], device=device)
        cache = KeyValueCache()
        with attach_prefix(backbone.model, {"decoder": before}):
            hidden = decoder_only.last_states(
                backbone,
                positions.unsqueeze(1),
                torch.zeros(1, 1, 1, 1, dtype=dtype, device=device),
                ids=torch.tensor([[prompt[-1]] for prompt in prompts], device=device),
                cache=cache,
            )
        after = [
            prefix.followed_by(PrefixKV(keys, values))
            for prefix, (keys, values) in zip(before, cache.key_values(), strict=True)
        ]
        return PrefillState(hidden, after, positions + 1)

    def _read_inputs(self, backbone: Backbone, sources: Sequence[Sequence[int]]) -> list[PrefixKV]:
        """Keys and values of each input (without its separator) and the infix behind it, by layer."""
        device, dtype = backbone.head.device, backbone.head.dtype
        ids, padding = padded([[*source, *[0] * self.length] for source in sources], device)
        # The infix starts where the input of the row ends. infix_index: (rows, positions), which vector of the infix
        # stands at a position; `length` where none does, which below picks a row of zeros that is put behind the last.
        starts = torch.tensor([len(source) for source in sources], device=device).unsqueeze(1)
        infix_index = torch.arange(ids.shape[1], device=device) - starts
        infix_index = infix_index.masked_fill((infix_index < 0) | (infix_index >= self.length), self.length)
        is_infix = (infix_index < self.length).unsqueeze(2)
        embeddings = nn.functional.pad(self.parts()[0].to(dtype), (0, 0, 0, 1))[infix_index]
        with recorded(backbone.model, ("decoder",)) as key_values:
            decoder_only.last_states(
                backbone,
                torch.arange(ids.shape[1], device=device).unsqueeze(0),
                causal_mask(ids.shape[1], dtype, device),
                embeddings=torch.where(is_infix, embeddings, backbone.embed(ids)),
            )
        bias = padding_mask(padding, dtype)
        added = nn.functional.pad(self.added().to(dtype), (0, 0, 0, 1))
        return [
            PrefixKV(
                keys + layer[0][:, infix_index].transpose(0, 1),
                values + layer[1][:, infix_index].transpose(0, 1),
                bias,
            )
            for layer, (keys, values) in zip(added, key_values["decoder"], strict=True)
        ]


class TrainedInfix(Infix):
    """The parameters while training: a table of embeddings, and keys and values that an MLP makes or that are free."""

    def __init__(self, table: VirtualTokens, prefix: Prefix) -> None:
        super().__init__(prefix.prefix_len)
        self.table, self.prefix = table, prefix

    def parts(self) -> tuple[Tensor, Tensor]:
        return self.table(), self.prefix.stored_key_values()["decoder"]

    def added(self) -> Tensor:
        return self.prefix.with_dropout(self.prefix.stored_key_values())["decoder"]

    def initialize(self, backbone: Backbone, config: Config) -> float | None:
        """With words (or sampled tokens) the infix is these words in their place: nothing is added at first."""
        words = initial_embeddings(backbone, config)
        self.table.initialize(config.init, words, config.seed)
        if config.init.name == "uniform":
            self.prefix.uniform(generator(config.seed, backbone.head.device))
        elif config.init.name != "random":
            self.prefix.zero()
            return 0.0
        return None


class FixedInfix(Infix):
    """A trained infix in use."""

    def __init__(self, embedding: Tensor, prefix: Tensor) -> None:
        super().__init__(len(embedding))
        self.register_buffer("embedding", embedding)
        self.register_buffer("prefix", prefix)

    def parts(self) -> tuple[Tensor, Tensor]:
        return self.get_buffer("embedding"), self.get_buffer("prefix")


def build(config: Config, backbone: Backbone) -> TrainedInfix:
    """With its random initialisation. The embeddings have no MLP in the paper's code, the keys and values do."""
    length, shape, dropout = config.prefix_len, backbone.shape, config.method.prefix_dropout
    table = VirtualTokens(length, backbone.embedding_width)
    if config.method.mlp:
        return TrainedInfix(table, MLPPrefix(shape, ("decoder",), length, config.method.mid_dim, dropout))
    return TrainedInfix(table, FlatPrefix(shape, ("decoder",), length, dropout))


def restore(config: Config, backbone: Backbone, tensors: Mapping[str, Tensor]) -> FixedInfix:
    """From what was stored."""
    return FixedInfix(tensors["embedding"], tensors["prefix"])
