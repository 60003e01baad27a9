"""Batches of an encoder-decoder: each input once for the encoder, its targets as rows of the decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

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


def padding_bias(padding: Tensor, dtype: torch.dtype) -> Tensor:
    """(rows, 1, 1, length) to add to attention scores: 0, minus infinity where `padding` (rows, length)."""
    bias = torch.zeros(padding.shape, dtype=dtype, device=padding.device)
    return bias.masked_fill_(padding, torch.finfo(dtype).min)[:, None, None, :]
