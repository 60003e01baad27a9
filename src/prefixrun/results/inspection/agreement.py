"""How much two prefixes of one model agree, such as those of different seeds.

Attention adds the positions of a prefix up, so that their order means nothing but where they are initialised from
words. So beside the likeness of equal positions stands that of different ones, and how many positions are most alike to
the same one of the other prefix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import normalize

from prefixrun.results.inspection.attention_shares import WRITING, SiteAttention
from prefixrun.results.inspection.losses import LossChanges
from prefixrun.results.inspection.words import SiteWords


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one prefix with another; None where a quantity is not there."""

    run_id: str
    """The other run."""
    seed: int
    task: str
    same_positions: float
    """Cosine of keys and values at the same position: the mean over heads, layers, sites and positions."""
    other_positions: float | None
    """The same between different positions; None for a prefix of one."""
    most_alike: int
    """Positions whose most alike position of the other prefix is the same one; 1 is expected by chance."""
    same_words: int | None
    """Positions with the same nearest word."""
    attention: float | None
    """Spearman's correlation of the attention while writing, over positions and layers."""
    positions: float | None
    """The same of what leaving a position out costs."""
    layers: float | None
    """The same of layers."""


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """What is compared of one run."""

    run_id: str
    seed: int
    task: str
    tensors: Mapping[str, Tensor]
    """By site, (layers, 2, kv_heads, prefix_len, head_dim)."""
    words: Sequence[SiteWords]
    attention: Sequence[SiteAttention]
    losses: LossChanges


def agreement(first: ComparedRun, second: ComparedRun) -> Agreement:
    """The tensors of both must have the same sites and shapes."""
    alike = likeness(first.tensors, second.tensors)
    length = len(alike)
    different = alike[~torch.eye(length, dtype=torch.bool)]
    return Agreement(
        run_id=second.run_id,
        seed=second.seed,
        task=second.task,
        same_positions=float(alike.diagonal().mean()),
        other_positions=float(different.mean()) if length > 1 else None,
        most_alike=int((alike.argmax(dim=1) == torch.arange(length)).sum()),
        same_words=_same_words(first.words, second.words),
        attention=_correlation(_written(first.attention), _written(second.attention)),
        positions=_correlation(*([part.change for part in run.losses.positions] for run in (first, second))),
        layers=_correlation(*([part.change for part in run.losses.layers] for run in (first, second))),
    )


def likeness(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> Tensor:
    """(prefix_len, prefix_len): cosines of positions of the first with those of the second, the mean over heads."""
    parts = [
        torch.einsum(
            "lchpd,lchqd->lchpq", normalize(first[site].float(), dim=-1), normalize(second[site].float(), dim=-1)
        )
        for site in first
    ]
    return torch.cat([part.flatten(0, 2) for part in parts]).mean(dim=0)


def _same_words(first: Sequence[SiteWords], second: Sequence[SiteWords]) -> int | None:
    """Over all sites."""
    if not first or not second:
        return None
    return sum(
        mine.nearest[0].token == theirs.nearest[0].token
        for words_of_first, words_of_second in zip(first, second, strict=True)
        for mine, theirs in zip(words_of_first.positions, words_of_second.positions, strict=True)
    )


def _written(attention: Sequence[SiteAttention]) -> list[float]:
    return [
        share
        for site_attention in attention
        if site_attention.kind == WRITING
        for layer in site_attention.shares
        for share in layer
    ]


def _correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """None for fewer than three values, or values that are all the same."""
    if len(first) < 3 or len(set(first)) == 1 or len(set(second)) == 1:
        return None
    return float(np.corrcoef(pd.Series(first).rank(), pd.Series(second).rank())[0, 1])
