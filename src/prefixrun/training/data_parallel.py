"""One training run shared by several processes (torch.distributed): who this one is, and what they exchange.

Each process computes the gradients of its share of a batch's rows, and their sum moves the same parameters in all of
them. They are summed by hand rather than by torch's DistributedDataParallel: a method is attached to a frozen model
from outside and has no forward pass of its own to wrap, a prefix is sent in no time, and the loss is divided by the
tokens of the whole batch, where DistributedDataParallel takes the mean of the processes' losses.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from prefixrun.console import print_error
from prefixrun.errors import ConfigError, PrefixrunError, shortened

T = TypeVar("T")

PATIENCE = timedelta(days=7)
"""How long a process waits for the others: as long as the first one decodes, scores or reads data. That one of them has
ended shows at once, by its closed connection."""


JOIN_SECONDS = 300.0
"""How long a process waits for the others to begin: they are started together, by torchrun or a cluster's launcher."""
ANNOUNCE_SECONDS = 5.0
"""When it says that it waits."""


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
    """Join the processes that torchrun has started; `device` is "cpu" or "cuda", of which each takes its own.

    Raises ConfigError for another device.
    """
    if device not in ("cpu", "cuda"):
        raise ConfigError(
            f"device={device}: several processes compute on the CPU, or each on a GPU of its own (device=cuda); give "
            "one of them, or unset WORLD_SIZE for a run of one process"
        )
    on_gpu = device == "cuda"
    if on_gpu:
        _take_own_gpu()
    _join("cpu:gloo,cuda:nccl" if on_gpu else "gloo")
    try:
        yield current_group()
    finally:
        dist.destroy_process_group()


def _take_own_gpu() -> None:
    number = os.environ.get("LOCAL_RANK", "")
    if not number.isdigit() or int(number) >= torch.cuda.device_count():
        raise ConfigError(
            f"LOCAL_RANK={number or 'is not set'}: each process takes the GPU of this number, and there are "
            f"{torch.cuda.device_count()}; start the processes with torchrun --nproc-per-node=GPUS"
        )
    torch.cuda.set_device(int(number))


def _join(backend: str) -> None:
    """Join the group, in a thread, because no signal reaches the library while it waits for the other processes.

    Raises ConfigError when they do not come.
    """
    failures: list[BaseException] = []

    def join() -> None:
        try:
            dist.init_process_group(backend, timeout=PATIENCE)
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            failures.append(error)

    waiter = threading.Thread(target=join, name="join-processes", daemon=True)
    waiter.start()
    others = int(os.environ.get("WORLD_SIZE", "1")) - 1
    where = f"MASTER_ADDR={os.environ.get('MASTER_ADDR')} MASTER_PORT={os.environ.get('MASTER_PORT')}"
    missing = f"{others} more process{'es' if others > 1 else ''} ({where})"
    start, is_announced = time.monotonic(), False
    while waiter.is_alive():
        waited = time.monotonic() - start
        if waited > JOIN_SECONDS:
            raise ConfigError(
                f"{missing}: did not come in {JOIN_SECONDS:.0f} seconds; start all processes with torchrun, or unset "
                "WORLD_SIZE for a run of one process"
            )
        if waited > ANNOUNCE_SECONDS and not is_announced:
            print_error(f"prefixrun: waiting for {missing}; unset WORLD_SIZE for a run of one process")
            is_announced = True
        waiter.join(0.05)
    if failures:
        raise ConfigError(f"{where}: {shortened(failures[0])}; start the processes with torchrun") from failures[0]


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
            f"another process of this run has ended early, see its message; run the same command again to resume "
            f"({reason})"
        ) from error
