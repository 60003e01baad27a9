"""The attention that each position of a prefix gets while a model reads inputs and writes outputs.

A share is the weight that the softmax of a layer gives to a position, averaged over the heads and over the tokens that
look. The tokens that read are those of the input; those that write predict the output: the last one of the input and
all of the output but END. A gated prefix has a softmax of its own; there a share is that weight times the gate's size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from prefixrun.methods.outside_prefix import OutsidePrefix
from prefixrun.models.attention import attach_terms, watch_weights
from prefixrun.models.encoder_decoder_batches import EncoderDecoderBatch
from prefixrun.models.output_terms import GatedAttention, OutputTerm
from prefixrun.models.prefix_softmax import Watch

if TYPE_CHECKING:
    from prefixrun.methods.prefix import Prefix
    from prefixrun.models.backbone import Backbone
    from prefixrun.models.batches import Batch, Row

READING, WRITING = "reading", "writing"

BATCH = 16
"""Inputs in one pass."""


@dataclass(frozen=True, slots=True)
class SiteAttention:
    """The attention that a prefix gets at one site from one kind of tokens."""

    site: str
    kind: str
    """READING or WRITING."""
    layers: tuple[int, ...]
    """Indices among the layers of the model."""
    shares: tuple[tuple[float, ...], ...]
    """By layer, one for each position."""
    even: float | None
    """What a position would get if attention was spread evenly over all that a token sees; None behind gates."""
    tokens: int
    """That look."""

    @property
    def by_position(self) -> list[float]:
        """The share of each position, the mean over layers."""
        return [sum(shares) / len(shares) for shares in zip(*self.shares, strict=True)]


@torch.inference_mode()
def attention_shares(backbone: Backbone, prefix: Prefix, rows: Sequence[Row]) -> tuple[SiteAttention, ...]:
    """rows: inputs with one output each."""
    layers = tuple(range(backbone.shape.layers)) if prefix.layers is None else tuple(prefix.layers)
    sites = tuple(prefix.stored_key_values())
    sites = tuple(site for site in backbone.sites if site in sites)
    sums = _Sums()
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        batch = prefix.collate(backbone, some, "token_mean")
        looking = {site: _looking(site, batch, some) for site in sites}
        with prefix.attach(backbone), _watched(backbone, prefix, sums.watches(sites, layers, looking)):
            prefix.target_states(backbone, batch)
        sums.count(looking, {site: _visible(site, batch) + prefix.prefix_len for site in sites})
    is_gated = isinstance(prefix, OutsidePrefix)
    return tuple(
        SiteAttention(site, kind, layers, sums.shares(site, kind, layers), None if is_gated else even, tokens)
        for (site, kind), (even, tokens) in sums.counted().items()
    )


Looking = Mapping[str, Tensor]
"""READING, WRITING → which tokens look: (rows, queries), bool."""


def _looking(site: str, batch: Batch, rows: Sequence[Row]) -> Looking:
    if site == "encoder":
        assert isinstance(batch, EncoderDecoderBatch)
        return {READING: batch.source_mask[:, 0, 0] == 0}
    writing = torch.zeros(batch.ids.numel(), dtype=torch.bool, device=batch.ids.device)
    writing[batch.predicts] = True
    writing = writing.view(batch.ids.shape)
    if isinstance(batch, EncoderDecoderBatch):
        return {WRITING: writing}
    lengths = torch.tensor([len(row.source) - 1 for row in rows], device=batch.ids.device)
    indices = torch.arange(batch.ids.shape[1], device=batch.ids.device)
    return {READING: indices < lengths.unsqueeze(1), WRITING: writing}


def _visible(site: str, batch: Batch) -> Tensor:
    """How many keys of the text each token sees: (rows, queries)."""
    if not isinstance(batch, EncoderDecoderBatch):
        return (batch.mask[:, 0] == 0).sum(dim=-1)
    of_source = (batch.source_mask[:, 0, 0] == 0).sum(dim=-1, keepdim=True)
    if site == "encoder":
        return of_source.expand(-1, batch.source.shape[1])
    if site == "cross":
        return of_source[batch.source_of_row].expand(-1, batch.ids.shape[1])
    return (batch.mask[:, 0] == 0).sum(dim=-1).expand(len(batch.ids), -1)


class _Sums:
    """Shares and counts of all tokens so far."""

    def __init__(self) -> None:
        self._shares: dict[tuple[str, str, int], Tensor] = {}
        self._of_batch: dict[tuple[str, str, int], Tensor] = {}
        """Set, not added: a pass may compute a block more than once."""
        self._even: dict[tuple[str, str], float] = {}
        self._tokens: dict[tuple[str, str], int] = {}

    def watches(
        self, sites: Sequence[str], layers: Sequence[int], looking: Mapping[str, Looking]
    ) -> dict[str, dict[int, Callable[[Tensor], None]]]:
        """By site and layer, what takes weights of the prefix: (rows, queries, length), the mean over heads."""

        def taker(site: str, layer: int) -> Callable[[Tensor], None]:
            def take(weights: Tensor) -> None:
                for kind, tokens in looking[site].items():
                    self._of_batch[site, kind, layer] = weights[tokens].cpu().double().sum(dim=0)

            return take

        return {site: {layer: taker(site, layer) for layer in layers} for site in sites}

    def count(self, looking: Mapping[str, Looking], visible: Mapping[str, Tensor]) -> None:
        """Add what the batch has shown: shares, tokens, and what even attention would give each position."""
        for key, total in self._of_batch.items():
            self._shares[key] = self._shares.get(key, torch.zeros_like(total)) + total
        self._of_batch.clear()
        for site, kinds in looking.items():
            for kind, tokens in kinds.items():
                even = float((1 / visible[site][tokens].cpu().double()).sum())
                self._even[site, kind] = self._even.get((site, kind), 0.0) + even
                self._tokens[site, kind] = self._tokens.get((site, kind), 0) + int(tokens.sum())

    def counted(self) -> dict[tuple[str, str], tuple[float, int]]:
        """(site, kind) → mean of even attention and number of tokens, where there are any."""
        return {key: (self._even[key] / count, count) for key, count in self._tokens.items() if count}

    def shares(self, site: str, kind: str, layers: Sequence[int]) -> tuple[tuple[float, ...], ...]:
        """By layer and position."""
        count = self._tokens[site, kind]
        return tuple(tuple((self._shares[site, kind, layer] / count).tolist()) for layer in layers)


Watches = Mapping[str, Mapping[int, Callable[[Tensor], None]]]


@contextmanager
def _watched(backbone: Backbone, prefix: Prefix, watches: Watches) -> Iterator[None]:
    """Let the functions see the prefix's weights of each pass within the block, which is inside its `attach`."""
    total = range(backbone.shape.layers)
    if isinstance(prefix, OutsidePrefix):
        by_site = {
            site: [_watched_term(term, watches[site].get(layer)) for layer, term in enumerate(terms)]
            for site, terms in prefix.terms_by_site(backbone).items()
        }
        with attach_terms(backbone.model, by_site):
            yield
        return
    length = prefix.prefix_len
    in_softmax = {
        site: [_of_softmax(of_site[layer], length) if layer in of_site else None for layer in total]
        for site, of_site in watches.items()
    }
    with watch_weights(backbone.model, in_softmax):
        yield


def _of_softmax(watch: Callable[[Tensor], None], length: int) -> Watch:
    def see(weights: Tensor) -> None:
        watch(weights[..., :length].flatten(1, 2).mean(dim=1))

    return see


def _watched_term(term: OutputTerm | None, watch: Callable[[Tensor], None] | None) -> OutputTerm | None:
    if watch is None or not isinstance(term, GatedAttention):
        return term

    def see(query: Tensor, scaling: float, softcap: float | None) -> Tensor:
        watch(term.weights_by_row(query, scaling, softcap).mean(dim=1))
        return term(query, scaling, softcap)

    return see
