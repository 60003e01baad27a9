"""A process for each side, so that its peak memory is measured alone while the sides take turns in one benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, TypeVar

import torch

from prefixrun.runs.provenance import peak_memory_bytes

T = TypeVar("T")

_built: list[Any] = []
"""In the child: the one object it was started for."""


class Child:
    """A process that holds one object and waits without computing between calls."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def call(self, method: str, *arguments: Any) -> Any:
        """What the method returns; what it raises is raised here."""
        return self._pool.submit(_call, method, arguments).result()

    def peak_memory(self) -> int:
        """Largest memory of the process so far, in bytes: resident, or on the GPU if it has used one."""
        return self._pool.submit(_peak_memory).result()


@contextmanager
def child(build: Callable[..., Any], *arguments: Any) -> Iterator[Child]:
    """A new process that holds build(*arguments), ended when the block is left."""
    with _process() as pool:
        pool.submit(_build, build, arguments).result()
        yield Child(pool)


def in_child(function: Callable[..., T], *arguments: Any) -> T:
    """What the function returns in a new process."""
    with _process() as pool:
        return pool.submit(function, *arguments).result()


def _process() -> ProcessPoolExecutor:
    # Spawned, because a fork would start with this process's memory and its threads' locks.
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def _peak_memory() -> int:
    return torch.cuda.max_memory_allocated() if torch.cuda.is_initialized() else peak_memory_bytes()


def _build(build: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    _built.append(build(*arguments))


def _call(method: str, arguments: tuple[Any, ...]) -> Any:
    return getattr(_built[0], method)(*arguments)
