"""From pairs to padded batches: token rows, the mask between them, and which positions predict what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from prefixrun.data.example import Pair
from prefixrun.models.tokenizer import Tokenizer
from prefixrun.models.transfer import on_device

LossMode = Literal["sentence_sum", "token_mean"]


@dataclass(frozen=True, slots=True)
class Row:
    """One source and targets that share its row in a batch. Ids include the end-of-text tokens."""

    source: tuple[int, ...]
    targets: tuple[tuple[int, ...], ...]

    @property
    def length(self) -> int:
        """Positions in a batch. The last id of a target is predicted and never read, so it takes none."""
        return len(self.source) + sum(len(target) - 1 for target in self.targets)

    @property
    def pair_tokens(self) -> int:
        """Tokens of its pairs when each is written out alone: the unit of every tokens-per-second figure."""
        return sum(len(self.source) + len(target) for target in self.targets)


@dataclass(frozen=True, slots=True)
class Batch:
    """Tensors of one forward pass."""

    ids: Tensor
    """(rows, length): token ids."""
    positions: Tensor
    """(rows, length): positions of the tokens."""
    mask: Tensor
    """(rows or 1, 1, length, length): which position sees which, additive (masks)."""
    predicts: Tensor
    """(targets,): indices into the flattened (rows x length) positions whose hidden states predict the labels."""
    labels: Tensor
    """(targets,): the token ids to predict, those of all targets."""
    factors: Tensor
    """(targets,): weight of each label in the loss."""

    @property
    def position_count(self) -> int:
        """Token positions that a pass computes, padding included."""
        return self.ids.numel()


@dataclass(frozen=True, slots=True)
class PairIds:
    """One training pair as token ids."""

    source: tuple[int, ...]
    target: tuple[int, ...]


def tokenise(
    pairs: Sequence[Pair], tokenizer: Tokenizer, prompts: Mapping[str, Sequence[int]] | None = None
) -> list[PairIds]:
    """Every pair as ids. prompts: those of all sources, where they are known."""
    if prompts is None:
        prompts = {text: tokenizer.source(text) for text in dict.fromkeys(pair.source for pair in pairs)}
    sources = {text: tuple(ids) for text, ids in prompts.items()}
    return [PairIds(sources[pair.source], tuple(tokenizer.target(pair.target))) for pair in pairs]


def collate(rows: Sequence[Row], prefix_len: int, loss_mode: LossMode, *, device: str, dtype: torch.dtype) -> Batch:
    """Pad rows to the longest and number the positions from `prefix_len` on, as GPT-2 does behind a past.

    Several targets may stand behind one source: [source; target 1; target 2; ...]. Each of them continues the positions
    of the source and sees the source and itself, exactly what it would see alone, so that loss and gradients are those
    of separate pairs:

        sees        s s  a a  b        positions
        source  s   1 . |. . |.        0
                s   1 1 |. . |.        1
        target  a   1 1 |1 . |.        2
        1       a   1 1 |1 1 |.        3
        target  b   1 1 |. . |1        2
        2

    The last token of a target is predicted and never read. The first token of every target is predicted by the last
    one of the source. Padding is on the right, and no real position sees it.
    """
    length = max(row.length for row in rows)
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    positions = torch.zeros(len(rows), length, dtype=torch.long)
    segments = torch.full((len(rows), length), -1)  # 0 the source, 1, 2, ... its targets, -1 padding
    predicts: list[int] = []
    labels: list[int] = []
    for index, row in enumerate(rows):
        source_len = len(row.source)
        ids[index, :source_len] = torch.tensor(row.source)
        positions[index, :source_len] = torch.arange(source_len)
        segments[index, :source_len] = 0
        start = source_len
        for number, target in enumerate(row.targets, start=1):
            stop = start + len(target) - 1
            ids[index, start:stop] = torch.tensor(target[:-1], dtype=torch.long)
            positions[index, start:stop] = torch.arange(source_len, source_len + stop - start)
            segments[index, start:stop] = number
            predicts += [index * length + place for place in (source_len - 1, *range(start, stop))]
            labels += target
            start = stop
    # A position sees the source and its own segment, both only up to itself.
    sees = (segments[:, None, :] == 0) | (segments[:, None, :] == segments[:, :, None])
    sees &= torch.ones(length, length, dtype=torch.bool).tril()
    mask = torch.zeros(len(rows), length, length, dtype=dtype).masked_fill_(~sees, torch.finfo(dtype).min)
    return Batch(
        ids=on_device(ids, device),
        positions=on_device(positions + prefix_len, device),
        mask=on_device(mask.unsqueeze(1), device),
        predicts=on_device(torch.tensor(predicts), device),
        labels=on_device(torch.tensor(labels), device),
        factors=loss_factors([target for row in rows for target in row.targets], loss_mode, device),
    )


def loss_factors(targets: Sequence[Sequence[int]], loss_mode: LossMode, device: str) -> Tensor:
    """(labels,): what the negative log-likelihood of each label is multiplied by.

    "sentence_sum": 1 / number of targets, a sum over the tokens of a target and a mean over targets (the paper's code);
    "token_mean": 1 / number of labels.
    """
    labels = sum(map(len, targets))
    total = len(targets) if loss_mode == "sentence_sum" else labels
    return torch.full((labels,), 1.0 / total, device=device)


def padded(rows: Sequence[Sequence[int]], device: str | torch.device) -> tuple[Tensor, Tensor]:
    """Token ids (rows, longest), zeros on the right, and where they are padding (bool)."""
    longest = max(map(len, rows))
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    padding = torch.ones(len(rows), longest, dtype=torch.bool)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = torch.tensor(row)
        padding[index, : len(row)] = False
    return on_device(ids, device), on_device(padding, device)
