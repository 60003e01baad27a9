"""When a training has diverged: its loss is no number, or has stayed far above its start.

Steps that are too large throw a prefix where no gradient leads back; such a run ends with a model that writes commas,
and its scores say nothing of its method. The loss is compared with that of the first step, which is measured before
anything has changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prefixrun.config.schema import TrainConfig
from prefixrun.errors import DivergedError
from prefixrun.training.manifest import BEST_STATE

LEAST_START = 1.0
"""A start below that (nats a token) counts as this: many times a loss near zero may still be a small one."""


def risen_loss(start: float, recent: Sequence[float], config: TrainConfig, *, is_last: bool) -> float | None:
    """The mean of the recent losses where it is far above the start; None where it is not.

    recent: those of the last steps, without the first. Before the last step of the training, fewer than
    train.diverged_steps of them decide nothing.
    """
    if config.diverged_factor is None or not recent or (len(recent) < config.diverged_steps and not is_last):
        return None
    mean = sum(recent) / len(recent)
    return mean if mean > config.diverged_factor * max(start, LEAST_START) else None


def next_rate(rate: float) -> float:
    """The learning rate to try after one that was too large: about a third, in one digit."""
    return float(f"{rate / 3:.0e}")


def diverged(
    what: str,
    step: int,
    config: TrainConfig,
    history: Sequence[Mapping[str, float]],
    best: Mapping[str, Any],
) -> DivergedError:
    """The error that ends a diverged training.

    what: what happened. history: the evaluations so far. best: what was trained at the lowest development loss among
    them, by name; empty where there was none.
    """
    message = f"step {step}: {what}; training has diverged, try train.lr={next_rate(config.lr):g} (now {config.lr:g})"
    if not config.warmup_steps:
        message += " or a warm-up (train.warmup_steps, now 0)"
    if best:
        lowest = min((entry for entry in history if "dev_loss" in entry), key=lambda entry: entry["dev_loss"])
        message += (
            f"; the checkpoint of step {lowest['step']:.0f}, dev loss {lowest['dev_loss']:.4f}, is in {BEST_STATE}"
        )
    details = {
        "step": step,
        "next_rate": next_rate(config.lr),
        "factor": config.diverged_factor,
        "steps": config.diverged_steps,
        "history": [dict(entry) for entry in history],
    }
    return DivergedError(message, details, best)
