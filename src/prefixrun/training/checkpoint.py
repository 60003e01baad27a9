"""Training state on disk: two generations, each listed with its digest, and a fall back to the older one.

safetensors and JSON only. A generation is one file step-NNNNNNNN.safetensors, which checkpoints.json lists: a manifest
(see there), whose notes hold the step and the plain values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from prefixrun import files
from prefixrun.errors import DamagedStateError
from prefixrun.training.manifest import Manifest

GENERATIONS = 2
INDEX = "checkpoints.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was saved after `step` optimiser steps: tensors by name, and plain values."""

    step: int
    tensors: dict[str, Tensor]
    values: dict[str, Any]


class Checkpoints:
    """The checkpoints of the run `run_id`. Creating the object writes nothing."""

    def __init__(self, directory: Path, run_id: str = "") -> None:
        self.directory = directory
        self._index = Manifest(directory / INDEX, run_id)

    def save(self, checkpoint: Checkpoint) -> None:
        """Add a generation and drop those before the last two."""
        files.make_directory(self.directory)
        name = f"step-{checkpoint.step:08d}.safetensors"
        contiguous = {key: tensor.detach().cpu().contiguous() for key, tensor in checkpoint.tensors.items()}
        notes = {"step": checkpoint.step, "values": checkpoint.values}
        # Both stay listed until the new one is written. Later ones could not be used, or training were not here.
        earlier = [old for old in sorted(self._index.entries()) if old < name][-GENERATIONS:]
        self._index.write({name: save_tensors(contiguous)}, "training", notes, keep=earlier)
        for path in self.directory.glob("step-*.safetensors"):
            if path.name not in [*earlier, name][-GENERATIONS:]:
                files.remove(path)

    def latest(self) -> tuple[Checkpoint | None, list[str]]:
        """The newest undamaged checkpoint, or None, and what is wrong with newer ones.

        Raises:
            DamagedStateError: there are checkpoints, and none of them can be used.
        """
        problems: list[str] = []
        is_damaged = False
        for name, entry in sorted(self._index.entries().items(), reverse=True):
            try:
                data = self._index.read(name, "it is left out")
            except DamagedStateError as error:
                is_damaged = True
                problems.append(str(error))
                continue
            if data is not None:
                return Checkpoint(entry.notes["step"], load_tensors(data), entry.notes["values"]), problems
            problems.append(f"{self.directory / name}: is not there")
        if is_damaged:
            raise DamagedStateError(f"{'; '.join(problems)}; delete {self.directory} to train again from the start")
        return None, problems

    def remove(self) -> None:
        """Delete all generations: the run is trained."""
        for path in (*self.directory.glob("step-*.safetensors"), self.directory / INDEX):
            if path.exists():
                files.remove(path)


def state_tensors(module: nn.Module, optimiser: torch.optim.Optimizer, best: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The parameters of a module, the state of their optimiser, and the tensors of its best checkpoint, in one
    mapping."""
    tensors: dict[str, Tensor] = {f"parameter/{name}": value for name, value in module.named_parameters()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"adam/{index}/{name}": torch.as_tensor(value) for name, value in state.items()}
    return tensors | {f"best/{name}": tensor for name, tensor in best.items()}


def load_state(module: nn.Module, optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put back what `state_tensors` has collected; returns the tensors of the best checkpoint."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(tensors[f"parameter/{name}"])
    best: dict[str, Tensor] = {}
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        kind, _, rest = key.partition("/")
        if kind == "adam":
            index, _, name = rest.partition("/")
            state.setdefault(int(index), {})[name] = tensor
        elif kind == "best":
            best[rest] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
    return best
