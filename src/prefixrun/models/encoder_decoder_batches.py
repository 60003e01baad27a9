"""Batches of an encoder-decoder: each source once for the encoder, its targets as rows of the decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from prefixrun.models.batches import Batch, LossMode, Row, loss_factors, padded
from prefixrun.models.masks import causal_mask, padding_mask
from prefixrun.models.transfer import on_device


@dataclass(frozen=True, slots=True)
class EncoderDecoderBatch(Batch):
    """Tensors of one forward pass of an encoder-decoder; those of `Batch` are the decoder's."""

    source: Tensor
    """(sources, source length): token ids that the encoder reads."""
    source_mask: Tensor
    """(sources, 1, 1, source length): see masks.padding_mask."""
    source_of_row: Tensor
    """(rows,): index of the source of each row of the decoder."""

    @property
    def position_count(self) -> int:
        return self.ids.numel() + self.source.numel()


def collate(
    rows: Sequence[Row], start: int, loss_mode: LossMode, *, device: str, dtype: torch.dtype
) -> EncoderDecoderBatch:
    """Pad sources and targets on the right, where no real position sees padding.

    Every target is a row of the decoder, so its positions and its mask are those of the pair alone; only the encoder
    reads a source once for all its targets. start: the id that the decoder reads before a target.
    """
    targets = [target for row in rows for target in row.targets]
    source, padding = padded([row.source for row in rows], device)
    # The decoder reads START, t_1, ..., t_{n-1} and predicts t_1, ..., t_n at the same positions.
    ids, _ = padded([(start, *target[:-1]) for target in targets], device)
    length = ids.shape[1]
    predicts = [index * length + place for index, target in enumerate(targets) for place in range(len(target))]
    return EncoderDecoderBatch(
        ids=ids,
        positions=torch.arange(length, device=device).expand(len(targets), -1),
        mask=causal_mask(length, dtype, torch.device(device)),
        predicts=on_device(torch.tensor(predicts), device),
        labels=on_device(torch.tensor([label for target in targets for label in target]), device),
        factors=loss_factors(targets, loss_mode, device),
        source=source,
        source_mask=padding_mask(padding, dtype),
        source_of_row=on_device(torch.tensor([index for index, row in enumerate(rows) for _ in row.targets]), device),
    )
