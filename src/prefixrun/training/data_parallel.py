"""One training run shared by several processes (torch.distributed): who this one is, and what they exchange.

Each process computes the gradients of its share of a batch's rows, and their sum moves the same parameters in all of
them. They are summed by hand rather than by torch's DistributedDataParallel: a method is attached to a frozen model
from outside and has no forward pass of its own to wrap, a prefix is sent in no time, and the loss is divided by the
tokens of the whole batch, where DistributedDataParallel takes the mean of the processes' losses.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from prefixrun.errors import PrefixrunError

T = TypeVar("T")

PATIENCE = timedelta(days=7)
"""How long a process waits for the others: as long as the first one decodes, scores or reads data. That one of them has
ended shows at once, by its closed connection."""


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """Process `rank` of `size`; the first, of rank 0, is the only one that writes.

    Every method is called by all processes in the same order, and raises PrefixrunError when another one has ended. A
    group of one process exchanges nothing.
    """

    rank: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        return self.rank == 0

    def sum(self, values: Sequence[float]) -> list[float]:
        """The sum of each value over the processes, to the same bit in all of them."""
        return self._reduced(values, dist.ReduceOp.SUM)

    def max(self, values: Sequence[float]) -> list[float]:
        """The largest of each value over the processes."""
        return self._reduced(values, dist.ReduceOp.MAX)

    def _reduced(self, values: Sequence[float], operation: dist.ReduceOp.RedOpType) -> list[float]:
        if self.size == 1:
            return list(values)
        reduced = torch.tensor(values, dtype=torch.float64)
        with _connection_errors_explained():
            dist.all_reduce(reduced, operation)
        return reduced.tolist()

    def share_of(self, items: Sequence[T]) -> Sequence[T]:
        """The items that this process computes: every `size`-th, from `rank` on."""
        return items[self.rank :: self.size]

    def all_reduce_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Let the gradient of each parameter become its sum over the processes."""
        if self.size == 1:
            return
        with _connection_errors_explained():
            for parameter in parameters:
                if parameter.grad is None:  # this process had no row of the batch
                    parameter.grad = torch.zeros_like(parameter)
                dist.all_reduce(parameter.grad)

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Let each tensor become what it is in the first process."""
        if self.size == 1:
            return
        with _connection_errors_explained():
            for tensor in tensors:
                dist.broadcast(tensor.detach(), src=0)

    def broadcast_request(self, requested: bool) -> None:
        """From the first process to those that wait in `requested`: whether they are needed. They wait once."""
        self.broadcast([torch.tensor([requested])])

    def requested(self) -> bool:
        """Wait for `broadcast_request` of the first process."""
        answer = torch.tensor([False])
        self.broadcast([answer])
        return bool(answer)


SINGLE_PROCESS = ProcessGroup()


@contextmanager
def joined_group(device: str) -> Iterator[ProcessGroup]:
    """Join the processes that torchrun has started; `device` is "cpu" or "cuda", of which each takes its own."""
    on_gpu = device == "cuda"
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=PATIENCE)
    try:
        yield current_group()
    finally:
        dist.destroy_process_group()


def current_group() -> ProcessGroup:
    """The processes that this one has joined, or it alone."""
    if dist.is_available() and dist.is_initialized():
        return ProcessGroup(dist.get_rank(), dist.get_world_size())
    return SINGLE_PROCESS


@contextmanager
def _connection_errors_explained() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise PrefixrunError(
            f"another process of this run has ended early, see what it said; run the same command again to resume "
            f"({reason})"
        ) from error
