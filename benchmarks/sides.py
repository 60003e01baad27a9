"""The two programs that are compared: their input and their results."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.plan import Plan
from prefixrun.models.batches import PairIds

LEARNING_RATE = 2e-2
"""Of AdamW; it decays linearly to zero, with clipping to norm 1 and no weight decay: the Trainer's defaults."""
LORA_LEARNING_RATE = 1e-3
SEED = 101
BEAMS = 5

T = TypeVar("T")
Prompts = Sequence[tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Setup:
    """The same model, data and prefix for every side."""

    plan: Plan
    directory: str
    """The model in Hugging Face format, as both sides read it."""
    prefix: dict[str, npt.NDArray[np.float32]]
    """By site (layers, 2, kv_heads, prefix_len, head_dim): where training starts, and what decoding uses."""
    pairs: tuple[PairIds, ...]
    """Training pairs of a round as token ids."""
    prompts: Prompts
    """Token ids of the inputs to decode, shortest first, so that both sides pad little."""
    end: int
    """Id of the token that ends an output."""
    threads: int
    """CPU threads of each side."""

    @property
    def is_decoder_only(self) -> bool:
        """Then PEFT's prefix stands where prefixrun's does."""
        return [*self.prefix] == ["decoder"]

    def tensors(self) -> dict[str, torch.Tensor]:
        """The prefix, as a run stores it."""
        return {site: torch.from_numpy(numbers) for site, numbers in self.prefix.items()}

    @property
    def pair_tokens(self) -> int:
        """Source and target tokens of the pairs, each written out alone: the work of a training round on any side."""
        return sum(len(pair.source) + len(pair.target) for pair in self.pairs)


@dataclass(frozen=True, slots=True)
class TrainRound:
    """One pass over the pairs."""

    seconds: float
    steps: int
    loss: float
    """Mean over the steps, nats a target token: close on all sides, or they do not compute the same."""


@dataclass(frozen=True, slots=True)
class DecodeRound:
    """One pass over inputs."""

    seconds: float
    outputs: tuple[tuple[int, ...], ...]
    """Token ids without the end token."""


class Side(Protocol):
    """One of the programs that are compared, loaded in a separate process."""

    def train(self, pairs: int) -> TrainRound:
        """Train on the first so many pairs, from the prefix of the setup."""
        ...

    def decode(self, prompts: Prompts, batch_size: int) -> DecodeRound:
        """Decode with the prefix of the setup, at most `batch_size` at a time. Outputs are in the
        order of the prompts."""
        ...


def seconds(plan: Plan) -> float:
    """The clock of a plan: of the wall, or how long this process has had the processor."""
    return time.process_time() if plan.clock == "processor" else time.perf_counter()


def synchronize(device: str) -> None:
    """Wait for a GPU, so that a clock that is read next counts what was asked of it."""
    if device == "cuda":
        torch.cuda.synchronize()


def evenly_spaced(items: Sequence[T], count: int) -> Sequence[T]:
    """`count` items at equal distances, all of them when there are no more."""
    return items[:: max(1, len(items) // count)][:count]
