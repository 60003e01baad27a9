"""Where a training is, and what it has cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Progress:
    """Where training is and what it has cost; saved in every checkpoint."""

    step: int = 0
    seconds: float = 0.0
    """What the optimiser steps took, evaluations and checkpoints apart."""
    pair_tokens: int = 0
    """Tokens of the pairs seen, each written out alone: comparable between packed and unpacked batches."""
    positions: int = 0
    """Token positions of the batches, padding included; with a teacher those of its passes too."""
    nll_since_evaluation: float = 0.0
    """Training loss in nats of the targets since the last evaluation: their negative log-likelihood, or with a teacher
    the divergence from it."""
    tokens_since_evaluation: int = 0
    """Those targets' tokens."""
    history: list[dict[str, float]] = field(default_factory=list)
    """One entry an evaluation: step, train_loss since the one before and dev_loss, both nats a target token; with a
    teacher dev_kl, the divergence from it."""
    processes: int = 1
    """Most processes that shared the rows of a step."""
    start_loss: float | None = None
    """Of the first step, in nats a target token: of the model with the method as it begins."""
    lr: float = 0.0
    """Learning rate of the last step."""
    recent_losses: list[float] = field(default_factory=list)
    """Of the last `train.diverged_steps` steps, without the first."""

    @classmethod
    def restored(cls, values: dict[str, Any]) -> Progress:
        """From a checkpoint. Older ones have other names, and `joint`, which changed no number."""
        names = {"epoch_nll": "nll_since_evaluation", "epoch_tokens": "tokens_since_evaluation"}
        return cls(**{names.get(name, name): value for name, value in values.items() if name != "joint"})

    @property
    def dev_losses(self) -> list[float]:
        return [entry["dev_loss"] for entry in self.history if "dev_loss" in entry]
