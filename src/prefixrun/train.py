"""Training: one loop over batches, AdamW with linear decay, resumable at every checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from prefixrun.attention import fronts
from prefixrun.checkpoint import Checkpoint, Checkpoints
from prefixrun.data.batches import Batch, PairIds, Row, batches_of, collate, epoch_batches
from prefixrun.errors import PrefixrunError
from prefixrun.interrupts import deferred
from prefixrun.loss import target_nll
from prefixrun.methods.prefix import Prefix, fronts_of
from prefixrun.models import Backbone
from prefixrun.schema import TrainConfig

EVAL_BATCH = 32


@dataclass(slots=True)
class Progress:
    """Where training is and what it has cost; saved in every checkpoint."""

    step: int = 0
    seconds: float = 0.0
    pair_tokens: int = 0
    """Tokens of the pairs seen, each written out alone: comparable between packed and unpacked batches."""
    positions: int = 0
    """Token positions computed, padding included."""
    epoch_nll: float = 0.0
    epoch_tokens: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    """One entry an epoch: train_loss and dev_loss, both nats a target token."""


Report = Callable[[Progress, int, float], None]
"""Called after every step with the progress, the number of steps in all and the batch's loss in nats a token."""


def train(
    prefix: Prefix,
    backbone: Backbone,
    pairs: Sequence[PairIds],
    dev: Sequence[PairIds],
    config: TrainConfig,
    *,
    prefix_len: int,
    seed: int,
    checkpoints: Checkpoints,
    report: Report,
) -> Progress:
    """Train `prefix` in place and return what it took.

    Continues from the newest checkpoint, with the same result to the bit as an uninterrupted run on the same machine:
    an epoch's order depends on (seed, epoch) alone. On SIGINT and SIGTERM a checkpoint is written after the step.

    Raises:
        PrefixrunError: the loss is not a number.
        DamagedStateError: no checkpoint can be read.
    """
    plan = _plan(pairs, config, seed)
    steps = sum(len(epoch) for epoch in plan)
    optimiser = torch.optim.AdamW(
        prefix.parameters(),
        lr=config.lr,
        betas=(config.adam_beta1, config.adam_beta2),
        eps=config.adam_eps,
        weight_decay=config.weight_decay,
    )
    progress = _resume(prefix, optimiser, checkpoints)
    first = 0
    with deferred() as interruption:
        for epoch in plan:
            for index, micro_batches in enumerate(epoch):
                if first + index < progress.step:
                    continue
                started = time.perf_counter()
                for group in optimiser.param_groups:
                    group["lr"] = config.lr * schedule(progress.step, steps, config.warmup_steps)
                loss = _step(prefix, backbone, micro_batches, optimiser, config, prefix_len, progress)
                progress.step += 1
                progress.seconds += time.perf_counter() - started
                if index == len(epoch) - 1:
                    _close_epoch(prefix, backbone, dev, prefix_len, progress)
                report(progress, steps, loss)
                if interruption or progress.step % config.checkpoint_every == 0 or progress.step == steps:
                    checkpoints.save(_checkpoint(prefix, optimiser, progress))
                if interruption:
                    return progress  # leaving the block raises the signal
            first += len(epoch)
    return progress


def schedule(step: int, steps: int, warmup: int) -> float:
    """Factor of the learning rate at `step` (from 0): linear up to `warmup`, then linear down to 0 after the last."""
    if step < warmup:
        return step / warmup
    return (steps - step) / max(1, steps - warmup)


@torch.no_grad()
def mean_nll(backbone: Backbone, flat: Tensor, pairs: Sequence[PairIds]) -> float:
    """Negative log-likelihood in nats a target token over all pairs. flat: the prefix, see methods.prefix."""
    rows = [Row(pair.source, (pair.target,)) for pair in pairs]
    total, tokens = 0.0, 0
    for batch_rows in batches_of(rows, EVAL_BATCH, None):
        batch = _collate(batch_rows, backbone, flat.shape[3], "token_mean")
        total += float(_nll(backbone, flat, batch)) * len(batch.labels)
        tokens += len(batch.labels)
    return total / tokens


def _plan(pairs: Sequence[PairIds], config: TrainConfig, seed: int) -> list[list[list[list[Row]]]]:
    """Epochs of optimiser steps of micro-batches of rows, cut off after max_steps."""
    room = config.max_steps
    plan = []
    for epoch in range(config.epochs):
        batches = epoch_batches(
            pairs, targets_per_row=config.targets_per_row, batch_size=config.batch_size, seed=seed, epoch=epoch
        )
        steps = [batches[start : start + config.accumulate] for start in range(0, len(batches), config.accumulate)]
        if room is not None:
            steps = steps[:room]
            room -= len(steps)
        if steps:
            plan.append(steps)
    return plan


def _step(
    prefix: Prefix,
    backbone: Backbone,
    micro_batches: Sequence[Sequence[Row]],
    optimiser: torch.optim.Optimizer,
    config: TrainConfig,
    prefix_len: int,
    progress: Progress,
) -> float:
    """One optimiser step; returns the loss in nats a target token, whatever the loss mode."""
    optimiser.zero_grad()
    nll, tokens = 0.0, 0
    for rows in micro_batches:
        batch = _collate(rows, backbone, prefix_len, config.loss_mode)
        loss = _nll(backbone, prefix.flat(), batch) / len(micro_batches)
        loss.backward()
        nll += loss.item() * len(micro_batches) / float(batch.factors[0])
        tokens += len(batch.labels)
        progress.pair_tokens += batch.pair_tokens
        progress.positions += batch.ids.numel()
    if nll != nll:
        raise PrefixrunError(f"step {progress.step + 1}: the loss is not a number; lower train.lr (now {config.lr:g})")
    torch.nn.utils.clip_grad_norm_(prefix.parameters(), config.clip_norm)
    optimiser.step()
    progress.epoch_nll += nll
    progress.epoch_tokens += tokens
    return nll / tokens


def _nll(backbone: Backbone, flat: Tensor, batch: Batch) -> Tensor:
    with fronts(backbone.model, fronts_of(flat, backbone.head.dtype)):
        states: Tensor = backbone.body(
            input_ids=batch.ids, position_ids=batch.positions, attention_mask=batch.mask, use_cache=False
        ).last_hidden_state
    return target_nll(states.flatten(0, 1)[batch.predicts], backbone.head, batch.labels, batch.factors)


def _collate(rows: Sequence[Row], backbone: Backbone, prefix_len: int, loss_mode: Any) -> Batch:
    return collate(rows, prefix_len, loss_mode, device=str(backbone.head.device), dtype=backbone.head.dtype)


def _close_epoch(
    prefix: Prefix, backbone: Backbone, dev: Sequence[PairIds], prefix_len: int, progress: Progress
) -> None:
    entry = {"step": progress.step, "train_loss": progress.epoch_nll / progress.epoch_tokens}
    if dev:
        entry["dev_loss"] = mean_nll(backbone, prefix.flat().detach(), dev)
    progress.history.append(entry)
    progress.epoch_nll, progress.epoch_tokens = 0.0, 0


def _checkpoint(prefix: Prefix, optimiser: torch.optim.Optimizer, progress: Progress) -> Checkpoint:
    tensors: dict[str, Tensor] = {f"parameter/{name}": parameter for name, parameter in prefix.named_parameters()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"adam/{index}/{name}": torch.as_tensor(value) for name, value in state.items()}
    values = {name: getattr(progress, name) for name in Progress.__dataclass_fields__}
    return Checkpoint(progress.step, tensors, values)


def _resume(prefix: Prefix, optimiser: torch.optim.Optimizer, checkpoints: Checkpoints) -> Progress:
    checkpoint, _ = checkpoints.latest()
    if checkpoint is None:
        return Progress()
    with torch.no_grad():
        for name, parameter in prefix.named_parameters():
            parameter.copy_(checkpoint.tensors[f"parameter/{name}"])
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in checkpoint.tensors.items():
        kind, _, rest = key.partition("/")
        if kind == "adam":
            index, _, name = rest.partition("/")
            state.setdefault(int(index), {})[name] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
    return Progress(**checkpoint.values)
