"""Steps of a search as recorded kernels (CUDA graphs).

A step of a small model is hundreds of small kernels, and on a GPU launching each takes longer than computing it. A
recording launches all of them at once. It reads and writes the same memory each time, so a step's tensors are copied
into those that it was recorded with, and there is one recording for each shape of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor

from prefixrun.errors import ConfigError, shortened

Replay = Callable[[], None]
Record = Callable[[Callable[[], Tensor]], tuple[Tensor, Replay]]
"""From a computation on fixed tensors to its result's tensor and what computes it again into the same."""


class _Recording(NamedTuple):
    tensors: tuple[Tensor, ...]
    output: Tensor
    replay: Replay


class RecordedSteps:
    """Recordings by shape; they are dropped when the memory of what else they read is another (`memory`)."""

    def __init__(self, record: Record | None = None) -> None:
        self._record = record or record_on_gpu
        self._memory: Hashable = None
        self._recordings: dict[Hashable, _Recording] = {}

    def run(
        self, memory: Hashable, shape: Hashable, tensors: tuple[Tensor, ...], compute: Callable[..., Tensor]
    ) -> Tensor:
        """compute(*tensors), recorded the first time; what it returns is overwritten by the next step.

        It is called more than once for a recording, so it may not change what it reads. Raises ConfigError where it
        cannot be recorded.
        """
        if memory != self._memory:
            self._recordings, self._memory = {}, memory
        if shape not in self._recordings:
            fixed = tuple(tensor.clone() for tensor in tensors)
            with on_its_gpu(fixed[0]):
                output, replay = self._record(lambda: compute(*fixed))
            self._recordings[shape] = _Recording(fixed, output, replay)
        recording = self._recordings[shape]
        for recorded, tensor in zip(recording.tensors, tensors, strict=True):
            recorded.copy_(tensor)
        recording.replay()
        return recording.output


def on_its_gpu(tensor: Tensor) -> AbstractContextManager[object]:
    """Streams and graphs are those of the current GPU, which need not be the first."""
    return torch.cuda.device(tensor.device) if tensor.is_cuda else nullcontext()


def record_on_gpu(compute: Callable[[], Tensor]) -> tuple[Tensor, Replay]:
    """A CUDA graph. Raises ConfigError where the computation waits for the GPU or reads numbers back from it."""
    try:
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):  # libraries make their workspaces before anything is recorded
            for _ in range(2):
                compute()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            output = compute()
    except RuntimeError as error:
        raise ConfigError(
            f"decode.graphs=true: a step of this model cannot be recorded ({shortened(error)}); give "
            "decode.graphs=false"
        ) from error
    return output, graph.replay
