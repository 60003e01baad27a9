"""The loss of a batch, and of all development pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from prefixrun.methods.base import Method
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Batch, PairIds, Row
from prefixrun.training.data_parallel import SINGLE_PROCESS, ProcessGroup
from prefixrun.training.distillation import Teacher
from prefixrun.training.loss import CHUNK, TeacherStates, target_nll, teacher_kl
from prefixrun.training.sampler import batches_of
from prefixrun.training.unread_losses import read_scalars

EVAL_BATCH = 32
"""Pairs in one batch of an evaluation."""


def batch_loss(method: Method, backbone: Backbone, batch: Batch) -> Tensor:
    """The loss of a batch in its loss mode: a float32 scalar, see loss.target_nll."""
    with method.attach(backbone):
        return attached_loss(method, backbone, batch, label_smoothing=0.0)


def attached_loss(
    method: Method, backbone: Backbone, batch: Batch, label_smoothing: float, teacher: TeacherStates | None = None
) -> Tensor:
    """`batch_loss` of a method that is attached; with a teacher its divergence from that, see loss.teacher_kl."""
    if teacher is not None:
        states = method.target_states(backbone, batch)
        return teacher_kl(states, backbone.head, teacher, batch.factors, backbone.head_bias, backbone.head_cap)
    return target_nll(
        method.target_states(backbone, batch),
        backbone.head,
        batch.labels,
        batch.factors,
        backbone.head_bias,
        label_smoothing,
        backbone.head_cap,
    )


def token_losses(method: Method, backbone: Backbone, batch: Batch) -> Tensor:
    """Negative log-likelihood of each label of a batch: (targets,), float32. Call inside `attach`."""
    states = method.target_states(backbone, batch)
    parts = [
        cross_entropy(backbone.logits(rows).float(), labels, reduction="none")
        for rows, labels in zip(states.split(CHUNK), batch.labels.split(CHUNK), strict=True)
    ]
    return torch.cat(parts)


def mean_nll(
    method: Method, backbone: Backbone, pairs: Sequence[PairIds], group: ProcessGroup = SINGLE_PROCESS
) -> float:
    """Negative log-likelihood in nats a target token over all pairs, which the processes share."""

    def loss_of(batch: Batch, _: Sequence[Row]) -> Tensor:
        return batch_loss(method, backbone, batch)

    return _mean(method, backbone, pairs, group, loss_of)


def mean_kl(
    method: Method,
    backbone: Backbone,
    teacher: Teacher,
    pairs: Sequence[PairIds],
    group: ProcessGroup = SINGLE_PROCESS,
) -> float:
    """Divergence from a teacher in nats a target token over all pairs, which the processes share."""

    def loss_of(batch: Batch, rows: Sequence[Row]) -> Tensor:
        states = teacher.states(rows).targets
        with method.attach(backbone):
            return attached_loss(method, backbone, batch, 0.0, states)

    return _mean(method, backbone, pairs, group, loss_of)


@torch.no_grad()
def _mean(
    method: Method,
    backbone: Backbone,
    pairs: Sequence[PairIds],
    group: ProcessGroup,
    loss_of: Callable[[Batch, Sequence[Row]], Tensor],
) -> float:
    """Mean over all target tokens of a loss that `loss_of` gives as the mean over those of a batch."""
    rows = [Row(pair.source, (pair.target,)) for pair in pairs]
    losses: list[Tensor] = []
    counts: list[int] = []
    for batch_rows in group.share_of(batches_of(rows, EVAL_BATCH, None)):
        batch = method.collate(backbone, batch_rows, "token_mean")
        losses.append(loss_of(batch, batch_rows))
        counts.append(len(batch.labels))
    nll = 0.0
    for loss, count in zip(read_scalars(losses), counts, strict=True):
        nll += loss * count
    nll, all_tokens = group.sum([nll, sum(counts)])
    return nll / all_tokens
