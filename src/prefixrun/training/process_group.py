"""The processes that train one run together: who this one is, and what they tell each other (torch.distributed)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from prefixrun.errors import PrefixrunError

PATIENCE = timedelta(days=7)
"""How long a process waits for the others: as long as the first one decodes, scores or reads. That one of them has
ended shows at once, by its closed connection."""


@dataclass(frozen=True, slots=True)
class World:
    """Process `rank` of `size`; the first, of rank 0, is the only one that writes. Every method is called by all of
    them, in the same order; each raises PrefixrunError when another has ended."""

    rank: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        return self.rank == 0

    def total(self, values: Sequence[float]) -> list[float]:
        """The sum of each value over the processes, to the same bit in all of them."""
        return self._reduced(values, dist.ReduceOp.SUM)

    def largest(self, values: Sequence[float]) -> list[float]:
        """The largest of each value over the processes."""
        return self._reduced(values, dist.ReduceOp.MAX)

    def _reduced(self, values: Sequence[float], operation: dist.ReduceOp.RedOpType) -> list[float]:
        if self.size == 1:
            return list(values)
        together = torch.tensor(values, dtype=torch.float64)
        with _explained():
            dist.all_reduce(together, operation)
        return together.tolist()

    def add(self, tensors: Iterable[Tensor]) -> None:
        """Let each tensor become its sum over the processes."""
        with _explained():
            for tensor in tensors:
                dist.all_reduce(tensor)

    def copy_from_first(self, tensors: Iterable[Tensor]) -> None:
        """Let each tensor become what it is in the first process."""
        with _explained():
            for tensor in tensors:
                dist.broadcast(tensor.detach(), src=0)

    def tell(self, needed: bool) -> None:
        """From the first process to those that wait (`asked`): whether they are needed; they wait for one answer."""
        if self.size > 1:
            self.copy_from_first([torch.tensor([needed])])

    def asked(self) -> bool:
        """Wait for the first process to `tell`."""
        needed = torch.tensor([False])
        self.copy_from_first([needed])
        return bool(needed)


ALONE = World()


@contextmanager
def joined(device: str) -> Iterator[World]:
    """Meet the others that torchrun has started; `device` is "cpu" or "cuda", of which each takes its own."""
    on_gpu = device == "cuda"
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=PATIENCE)
    try:
        yield current()
    finally:
        dist.destroy_process_group()


def current() -> World:
    """The processes that this one has joined, or it alone."""
    if dist.is_available() and dist.is_initialized():
        return World(dist.get_rank(), dist.get_world_size())
    return ALONE


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise PrefixrunError(
            f"another process of this run has ended early, see what it said; run the same command again to resume "
            f"({reason})"
        ) from error
