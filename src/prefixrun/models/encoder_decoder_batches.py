"""Batches of an encoder-decoder: each input once for the encoder, its targets as rows of the decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from prefixrun.models.batches import Batch, LossMode, Row, padded


@dataclass(frozen=True, slots=True)
class SplitBatch(Batch):
    """Tensors of one forward pass of an encoder-decoder; those of `Batch` are the decoder's.

    `source`: (sources, length) ids that the encoder reads. `source_mask`: (sources, 1, 1, length), 0 at ids and minus
    infinity at padding. `entries`: (rows,) the source of each row of the decoder.
    """

    source: Tensor
    source_mask: Tensor
    entries: Tensor

    @property
    def computed(self) -> int:
        return self.ids.numel() + self.source.numel()


def collate(rows: Sequence[Row], start: int, loss_mode: LossMode, *, device: str, dtype: torch.dtype) -> SplitBatch:
    """Pad on the right; no real position sees padding.

    Every target is a row of its own, so its positions and what it sees are those of the pair alone; only the encoder
    reads an input once for all targets of a row. start: the id that the decoder reads before a target.
    """
    targets = [target for row in rows for target in row.targets]
    source, padding = padded([row.source for row in rows], device)
    ids, _ = padded([(start, *target[:-1]) for target in targets], device)
    length = ids.shape[1]
    mask = torch.full((length, length), torch.finfo(dtype).min, dtype=dtype, device=device).triu(1)
    labels = [label for target in targets for label in target]
    total = len(targets) if loss_mode == "sentence_sum" else len(labels)
    return SplitBatch(
        ids=ids,
        positions=torch.arange(length, device=device).expand(len(targets), -1),
        mask=mask[None, None],
        predicts=torch.tensor(
            [row * length + place for row, target in enumerate(targets) for place in range(len(target))], device=device
        ),
        labels=torch.tensor(labels, device=device),
        factors=torch.full((len(labels),), 1.0 / total, device=device),
        pairs=len(targets),
        pair_tokens=sum(row.pair_tokens for row in rows),
        source=source,
        source_mask=padding_bias(padding, dtype),
        entries=torch.tensor([entry for entry, row in enumerate(rows) for _ in row.targets], device=device),
    )


def union(batches: Sequence[SplitBatch]) -> SplitBatch:
    """Several batches as one, padded to the longest of them: the rows, labels and factors of each in turn."""
    length, longest = (
        max(sizes) for sizes in zip(*((b.ids.shape[1], b.source.shape[1]) for b in batches), strict=True)
    )
    rows, sources = 0, 0
    predicts, entries = [], []
    for batch in batches:
        own = batch.ids.shape[1]
        predicts.append((batch.predicts // own + rows) * length + batch.predicts % own)
        entries.append(batch.entries + sources)
        rows, sources = rows + len(batch.ids), sources + len(batch.source)
    hidden = torch.finfo(batches[0].mask.dtype).min
    return SplitBatch(
        ids=torch.cat([_longer(batch.ids, length) for batch in batches]),
        positions=torch.arange(length, device=predicts[0].device).expand(rows, -1),
        mask=max((batch.mask for batch in batches), key=lambda mask: mask.shape[3]),  # the others are its corners
        predicts=torch.cat(predicts),
        labels=torch.cat([batch.labels for batch in batches]),
        factors=torch.cat([batch.factors for batch in batches]),
        pairs=sum(batch.pairs for batch in batches),
        pair_tokens=sum(batch.pair_tokens for batch in batches),
        source=torch.cat([_longer(batch.source, longest) for batch in batches]),
        source_mask=torch.cat([_longer(batch.source_mask, longest, hidden) for batch in batches]),
        entries=torch.cat(entries),
    )


def _longer(tensor: Tensor, length: int, value: float = 0) -> Tensor:
    """The last axis filled up to `length`."""
    return pad(tensor, (0, length - tensor.shape[-1]), value=value)


def padding_bias(padding: Tensor, dtype: torch.dtype) -> Tensor:
    """(rows, 1, 1, length) to add to attention scores: 0, minus infinity where `padding` (rows, length)."""
    bias = torch.zeros(padding.shape, dtype=dtype, device=padding.device)
    return bias.masked_fill_(padding, torch.finfo(dtype).min)[:, None, None, :]
