"""The words whose keys and values are nearest to those of a prefix.

Compared are the keys and values that a prefix has at a position and layer with those that the frozen model computes for
a token. Cosines are taken head by head and averaged over the heads; the cosine of a token is the mean of that of its
keys and that of its values. Beside the nearest token stands the median one, because the keys of a layer point into much
the same direction whatever the token is.

A decoder-only model reads the candidates at the position of the prefix, behind the words that were nearest at the
positions before it: the text is found from left to right, and a prefix that was initialised from words is found to be
these words. An encoder-decoder reads each candidate by itself, as its input and as its output for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from prefixrun.models.attention import attach_prefix, recorded
from prefixrun.models.decoder_only import last_states
from prefixrun.models.encoder_decoder import decode, encode
from prefixrun.models.prefix_kv import PrefixKV
from prefixrun.results.inspection.candidates import written, written_text

if TYPE_CHECKING:
    from prefixrun.methods.prefix import Prefix
    from prefixrun.models.backbone import Backbone
    from prefixrun.runs.log import Stage

CHUNK = 256
"""Candidates that are read at one time."""
SHOWN = 5
"""Nearest tokens that are named for a position."""


@dataclass(frozen=True, slots=True)
class Word:
    """A token and how near it is."""

    token: str
    cosine: float


@dataclass(frozen=True, slots=True)
class Cell:
    """A prefix at one position and layer."""

    token: str
    """The nearest."""
    cosine: float
    keys: float
    """The part of `cosine` that is of keys; that of values is the other half of the mean."""
    median: float
    """The cosine of the median candidate."""
    key_size: float
    """Norm of the prefix's keys, divided by that of the median candidate's."""
    value_size: float


@dataclass(frozen=True, slots=True)
class Position:
    """A prefix at one position, all layers together."""

    nearest: tuple[Word, ...]
    """By the mean over layers, the nearest first."""
    median: float
    layers: tuple[Cell, ...]
    """From the bottom."""


@dataclass(frozen=True, slots=True)
class SiteWords:
    """A prefix at one attention site."""

    site: str
    layers: tuple[int, ...]
    """Indices among the layers of the model."""
    positions: tuple[Position, ...]
    text: str
    """The nearest token of each position, behind each other."""


@torch.inference_mode()
def nearest_words(
    backbone: Backbone, prefix: Prefix, candidates: Sequence[int], progress: Stage | None = None
) -> tuple[SiteWords, ...]:
    """Of each site that has a prefix. candidates: token ids."""
    layers = tuple(range(backbone.shape.layers)) if prefix.layers is None else tuple(prefix.layers)
    stored = {site: tensor.to(backbone.head.device).float() for site, tensor in prefix.stored_key_values().items()}
    search = _Search(backbone, candidates, layers)
    if not backbone.is_seq2seq:
        stored = {"decoder": stored["decoder"]}
    compared: dict[str, list[_Compared]] = {site: [] for site in stored}
    for position in range(prefix.prefix_len):
        at_position = {site: tensor[:, :, :, position] for site, tensor in stored.items()}
        for site, match in search.compare(at_position, position).items():
            compared[site].append(match)
        if progress is not None:
            progress.update(position + 1, prefix.prefix_len, "positions")
    return tuple(
        SiteWords(
            site,
            layers,
            tuple(search.described(match) for match in of_site),
            written_text(backbone.tokenizer, [candidates[match.best] for match in of_site]),
        )
        for site, of_site in compared.items()
    )


@dataclass(frozen=True, slots=True)
class _Compared:
    """A prefix at one position beside all candidates."""

    cosines: Tensor
    """(layers, 2, candidates): of keys and of values."""
    sizes: Tensor
    """(layers, 2): norms of the prefix's keys and values, divided by those of the median candidate."""

    @property
    def overall(self) -> Tensor:
        """(candidates,): the mean over layers, keys and values."""
        return self.cosines.mean(dim=(0, 1))

    @property
    def best(self) -> int:
        """Index of the nearest candidate."""
        return int(self.overall.argmax())


class _Search:
    """Reads the candidates, position by position."""

    def __init__(self, backbone: Backbone, candidates: Sequence[int], layers: Sequence[int]) -> None:
        self._backbone, self._candidates, self._layers = backbone, candidates, list(layers)
        self._text: list[PrefixKV] = []
        """By layer of the model, the keys and values of the words that were nearest so far."""

    def compare(self, prefix: dict[str, Tensor], position: int) -> dict[str, _Compared]:
        """By site. prefix: by site, (layers, 2, kv_heads, head_dim), that of the position."""
        cosines: dict[str, list[Tensor]] = {site: [] for site in prefix}
        norms: dict[str, list[Tensor]] = {site: [] for site in prefix}
        best: tuple[float, Tensor] | None = None
        for ids in self._chunks():
            read = self._read(ids, position)
            for site, target in prefix.items():
                of_layers = read[site][self._layers].float()
                cosines[site].append(cosine_similarity(target.unsqueeze(2), of_layers, dim=-1).mean(dim=-1))
                norms[site].append(of_layers.flatten(3).norm(dim=-1))
            if not self._backbone.is_seq2seq:
                overall = cosines["decoder"][-1].mean(dim=(0, 1))
                if best is None or float(overall.max()) > best[0]:
                    best = float(overall.max()), read["decoder"][:, :, int(overall.argmax())].clone()
        if best is not None:
            self._append(best[1])
        return {
            site: _Compared(
                torch.cat(cosines[site], dim=-1),
                target.flatten(2).norm(dim=-1) / torch.cat(norms[site], dim=-1).median(dim=-1).values,
            )
            for site, target in prefix.items()
        }

    def described(self, compared: _Compared) -> Position:
        """The numbers of one position, with the tokens written out."""
        tokens, overall = self._backbone.tokenizer, compared.overall
        nearest = overall.topk(min(SHOWN, len(overall)))
        both = compared.cosines.mean(dim=1)
        cells = []
        for layer, (cosines, sizes) in enumerate(zip(both, compared.sizes, strict=True)):
            best = int(cosines.argmax())
            cells.append(
                Cell(
                    token=written(tokens, self._candidates[best]),
                    cosine=float(cosines[best]),
                    keys=float(compared.cosines[layer, 0, best]),
                    median=float(cosines.median()),
                    key_size=float(sizes[0]),
                    value_size=float(sizes[1]),
                )
            )
        words = [
            Word(written(tokens, self._candidates[index]), cosine)
            for cosine, index in zip(nearest.values.tolist(), nearest.indices.tolist(), strict=True)
        ]
        return Position(tuple(words), float(overall.median()), tuple(cells))

    def _chunks(self) -> Iterator[Tensor]:
        ids = torch.tensor(self._candidates, device=self._backbone.head.device)
        yield from ids.split(CHUNK)

    def _read(self, ids: Tensor, position: int) -> dict[str, Tensor]:
        """By site, keys and values of tokens none of which sees another: (layers, 2, tokens, kv_heads, head_dim)."""
        backbone, dtype = self._backbone, self._backbone.head.dtype
        if not backbone.is_seq2seq:
            # One row, in which a token sees the text so far and itself.
            alone = torch.full((len(ids), len(ids)), torch.finfo(dtype).min, dtype=dtype, device=ids.device)
            alone.fill_diagonal_(0)
            positions = torch.full((1, len(ids)), position, device=ids.device)
            nothing: list[PrefixKV | None] = [None] * backbone.shape.layers
            text: dict[str, Sequence[PrefixKV | None]] = {"decoder": self._text or nothing}
            with attach_prefix(backbone.model, text), recorded(backbone.model, ("decoder",)) as seen:
                last_states(backbone, positions, alone[None, None], ids=ids.unsqueeze(0))
            return {"decoder": torch.stack([torch.cat(layer).transpose(1, 2) for layer in seen["decoder"]])}
        free = torch.zeros(1, 1, 1, 1, dtype=dtype, device=ids.device)
        with recorded(backbone.model, backbone.sites) as seen:
            decode(backbone, ids.unsqueeze(1), free, encode(backbone, ids.unsqueeze(1), free), free)
        return {site: torch.stack([torch.stack(layer)[..., 0, :] for layer in layers]) for site, layers in seen.items()}

    def _append(self, word: Tensor) -> None:
        """word: (layers, 2, kv_heads, head_dim), its keys and values."""
        behind = [PrefixKV(layer[0][None, :, None], layer[1][None, :, None]) for layer in word]
        if self._text:
            pairs = zip(self._text, behind, strict=True)
            behind = [
                PrefixKV(torch.cat([text.keys, new.keys], dim=2), torch.cat([text.values, new.values], dim=2))
                for text, new in pairs
            ]
        self._text = behind
