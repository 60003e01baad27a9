"""What happens to the development loss when parts of a prefix are left out; every number is measured.

A change is the loss without the part minus the loss with the whole prefix, in nats a target token, over the same pairs.
Its interval is that of a ratio (changes over tokens) whose independent units are the inputs: pairs of one input count
as one. Student's t, 95 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import stdtrit  # type: ignore[import-untyped]  # scipy.stats takes a second to import

from prefixrun.methods.left_out import LeftOut, Part
from prefixrun.models.batches import PairIds, Row
from prefixrun.models.repeated_blocks import blocks_recorded, blocks_repeated, first_blocks
from prefixrun.training.batch_loss import EVAL_BATCH, token_losses
from prefixrun.training.sampler import batches_of

if TYPE_CHECKING:
    from prefixrun.methods.prefix import Prefix
    from prefixrun.models.backbone import Backbone
    from prefixrun.runs.log import Stage

MOST_ROWS = 50
"""Positions, or layers of a site, that are left out one by one; where there are more, neighbours go together."""
MOST_CELLS = 10
"""Groups of positions, and of layers, in the map of both."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Change:
    """What leaving something out does to the loss."""

    site: str
    """Where it was left out; empty for all sites."""
    layers: tuple[int, ...]
    """Empty for all layers of the prefix."""
    positions: tuple[int, ...]
    """Empty for all positions."""
    change: float
    half_width: float | None
    """Of the interval; None where all pairs are of one input."""

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.half_width is not None and abs(self.change) > self.half_width


@dataclass(frozen=True, slots=True)
class LossChanges:
    """The loss with the whole prefix, and the changes."""

    loss: float
    pairs: int
    inputs: int
    tokens: int
    everything: Change
    positions: tuple[Change, ...]
    layers: tuple[Change, ...]
    """Of all sites, from the bottom."""
    sites: tuple[Change, ...]
    """Empty where the model has one."""
    cells: tuple[Change, ...]
    """Groups of positions at groups of layers, by site, layers and positions, over the first `cell_pairs` pairs."""
    cell_pairs: int


def groups(items: Sequence[int], most: int) -> list[tuple[int, ...]]:
    """The items in at most `most` groups of neighbours, of like size."""
    count = min(most, len(items))
    ends = [len(items) * number // count for number in range(count + 1)]
    return [tuple(items[start:stop]) for start, stop in pairwise(ends)]


@torch.inference_mode()
def loss_changes(
    backbone: Backbone, prefix: Prefix, pairs: Sequence[PairIds], cell_pairs: int, progress: Stage | None = None
) -> LossChanges:
    """Measured over all `pairs`, the map of positions and layers over the first `cell_pairs` of them."""
    layers = tuple(range(backbone.shape.layers)) if prefix.layers is None else tuple(prefix.layers)
    sites = tuple(site for site in backbone.sites if site in prefix.stored_key_values())
    positions = tuple(range(prefix.prefix_len))
    by_position = [("", (), group) for group in groups(positions, MOST_ROWS)]
    by_layer = [(site, group, ()) for site in sites for group in groups(layers, MOST_ROWS)]
    by_site = [(site, (), ()) for site in sites] if len(sites) > 1 else []
    in_cells = [
        (site, of_layers, of_positions)
        for site in sites
        for of_layers in groups(layers, MOST_CELLS)
        for of_positions in groups(positions, MOST_CELLS)
    ]
    total = 1 + len(by_position) + len(by_layer) + len(by_site) + len(in_cells)
    done = 0

    def measured(losses: _Losses, what: Sequence[tuple[str, tuple[int, ...], tuple[int, ...]]]) -> tuple[Change, ...]:
        nonlocal done
        changes = []
        for site, of_layers, of_positions in what:
            parts = [
                Part(part_site, of_layers or layers, of_positions or positions)
                for part_site in ([site] if site else sites)
            ]
            changes.append(Change(site, of_layers, of_positions, *losses.change(parts)))
            done += 1
            if progress is not None:
                progress.update(done, total, "parts left out")
        return tuple(changes)

    losses = _Losses(backbone, prefix, pairs)
    (everything,) = measured(losses, [("", (), ())])
    changes = [measured(losses, what) for what in (by_position, by_layer, by_site)]
    fewer = losses if cell_pairs >= len(pairs) else _Losses(backbone, prefix, pairs[:cell_pairs])
    return LossChanges(
        loss=losses.loss,
        pairs=len(pairs),
        inputs=len({pair.source for pair in pairs}),
        tokens=int(losses.tokens.sum()),
        everything=everything,
        positions=changes[0],
        layers=changes[1],
        sites=changes[2],
        cells=measured(fewer, in_cells),
        cell_pairs=min(cell_pairs, len(pairs)),
    )


class _Losses:
    """The losses of some pairs with the whole prefix, and what changes them."""

    def __init__(self, backbone: Backbone, prefix: Prefix, pairs: Sequence[PairIds]) -> None:
        self._backbone, self._prefix = backbone, prefix
        rows = [Row(pair.source, (pair.target,)) for pair in pairs]
        batches = batches_of(rows, EVAL_BATCH, None)
        self._lengths = [[len(row.targets[0]) for row in some] for some in batches]
        self._batches = [prefix.collate(backbone, some, "token_mean") for some in batches]
        sources = [row.source for some in batches for row in some]
        numbers = {source: number for number, source in enumerate(dict.fromkeys(sources))}
        self._input_of_pair = np.array([numbers[source] for source in sources])
        self.tokens = np.array([length for of_batch in self._lengths for length in of_batch], dtype=np.float64)
        self._recorded = []
        whole: list[float] = []
        for batch, lengths in zip(self._batches, self._lengths, strict=True):
            with prefix.attach(backbone), blocks_recorded(backbone.model) as recorded:
                whole += _sums(token_losses(prefix, backbone, batch), lengths)
            self._recorded.append(recorded)
        self._whole: Floats = np.array(whole)

    @property
    def loss(self) -> float:
        """With the whole prefix, in nats a token."""
        return float(self._whole.sum() / self.tokens.sum())

    def change(self, parts: Sequence[Part]) -> tuple[float, float | None]:
        """The change of the loss without some parts, and the half-width of its interval."""
        method = LeftOut(self._prefix, parts)
        first = first_blocks(self._backbone.model, {part.site: min(part.layers) for part in parts})
        without: list[float] = []
        for batch, lengths, recorded in zip(self._batches, self._lengths, self._recorded, strict=True):
            with method.attach(self._backbone), blocks_repeated(self._backbone.model, recorded, first):
                without += _sums(token_losses(method, self._backbone, batch), lengths)
        return ratio(np.array(without) - self._whole, self.tokens, self._input_of_pair)


def _sums(losses: torch.Tensor, lengths: Sequence[int]) -> list[float]:
    """By pair, of the losses of its tokens."""
    return [float(of_pair.double().sum()) for of_pair in losses.cpu().split(list(lengths))]


def ratio(changes: Floats, tokens: Floats, units: npt.NDArray[np.int64]) -> tuple[float, float | None]:
    """Sum of changes over sum of tokens, and the half-width of its 95 % interval over independent units.

    changes, tokens: of each pair; units: the number, from 0, of the unit that a pair belongs to. The variance is that
    of the residuals changes - ratio x tokens of the units (Cochran, Sampling Techniques, section 6.4).
    """
    value = float(changes.sum() / tokens.sum())
    count = int(units.max()) + 1
    if count < 2:
        return value, None
    residuals = np.bincount(units, changes - value * tokens)
    variance = float((residuals**2).sum()) * count / (count - 1)
    return value, float(stdtrit(count - 1, 0.975)) * math.sqrt(variance) / float(tokens.sum())
