"""The loss of a batch, and of all development pairs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from prefixrun.methods.base import Method
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Batch, PairIds, Row
from prefixrun.training.data_parallel import SINGLE_PROCESS, ProcessGroup
from prefixrun.training.loss import target_nll
from prefixrun.training.sampler import batches_of
from prefixrun.training.unread_losses import read_scalars

EVAL_BATCH = 32
"""Pairs in one batch of an evaluation."""


def batch_loss(method: Method, backbone: Backbone, batch: Batch, label_smoothing: float = 0.0) -> Tensor:
    """The loss of a batch in its loss mode: a float32 scalar, see loss.target_nll."""
    with method.attach(backbone):
        return attached_loss(method, backbone, batch, label_smoothing)


def attached_loss(method: Method, backbone: Backbone, batch: Batch, label_smoothing: float) -> Tensor:
    """`batch_loss` of a method that is attached."""
    return target_nll(
        method.target_states(backbone, batch),
        backbone.head,
        batch.labels,
        batch.factors,
        backbone.head_bias,
        label_smoothing,
        backbone.head_cap,
    )


@torch.no_grad()
def mean_nll(
    method: Method, backbone: Backbone, pairs: Sequence[PairIds], group: ProcessGroup = SINGLE_PROCESS
) -> float:
    """Negative log-likelihood in nats a target token over all pairs, which the processes share."""
    rows = [Row(pair.source, (pair.target,)) for pair in pairs]
    losses: list[Tensor] = []
    counts: list[int] = []
    for batch_rows in group.share_of(batches_of(rows, EVAL_BATCH, None)):
        batch = method.collate(backbone, batch_rows, "token_mean")
        losses.append(batch_loss(method, backbone, batch))
        counts.append(len(batch.labels))
    nll = 0.0
    for loss, count in zip(read_scalars(losses), counts, strict=True):
        nll += loss * count
    nll, all_tokens = group.sum([nll, sum(counts)])
    return nll / all_tokens
