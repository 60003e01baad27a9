"""Training state on disk: two generations, each with its hash, and a fall back to the older one.

safetensors and JSON only. A generation is one file step-NNNNNNNN.safetensors whose name is listed, with the SHA-256 of
its bytes, in checkpoints.json, which is written after it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from prefixrun import files
from prefixrun.errors import DamagedStateError

GENERATIONS = 2
INDEX = "checkpoints.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was saved after `step` optimiser steps: tensors by name, and plain values."""

    step: int
    tensors: dict[str, Tensor]
    values: dict[str, Any]


class Checkpoints:
    """The checkpoints of one run. Creating the object writes nothing."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def save(self, checkpoint: Checkpoint) -> None:
        """Add a generation and drop those before the last two."""
        files.make_directory(self.directory)
        name = f"step-{checkpoint.step:08d}.safetensors"
        contiguous = {key: tensor.detach().cpu().contiguous() for key, tensor in checkpoint.tensors.items()}
        data = save_tensors(contiguous)
        entry = {
            "file": name,
            "step": checkpoint.step,
            "sha256": hashlib.sha256(data).hexdigest(),
            "values": checkpoint.values,
        }
        files.write_bytes(self.directory / name, data)
        kept = [*(old for old in self._index() if old["file"] != name), entry][-GENERATIONS:]
        files.write_json(self.directory / INDEX, kept)
        for path in self.directory.glob("step-*.safetensors"):
            if path.name not in {old["file"] for old in kept}:
                files.remove(path)

    def latest(self) -> tuple[Checkpoint | None, list[str]]:
        """The newest undamaged checkpoint, or None, and what is wrong with newer ones.

        Raises:
            DamagedStateError: there are checkpoints, and none of them can be used.
        """
        entries = self._index()
        problems: list[str] = []
        for entry in reversed(entries):
            path = self.directory / entry["file"]
            try:
                data = path.read_bytes()
            except OSError as error:
                problems.append(f"{path}: {error.strerror}")
                continue
            if hashlib.sha256(data).hexdigest() != entry["sha256"]:
                problems.append(f"{path}: its content has changed since it was written")
                continue
            try:
                return Checkpoint(entry["step"], load_tensors(data), entry["values"]), problems
            except SafetensorError as error:
                problems.append(f"{path}: {error}")
        if entries:
            raise DamagedStateError(f"{'; '.join(problems)}; delete {self.directory} to train again from the start")
        return None, problems

    def remove(self) -> None:
        """Delete all generations: the run is trained."""
        for path in (*self.directory.glob("step-*.safetensors"), self.directory / INDEX):
            if path.exists():
                files.remove(path)

    def _index(self) -> list[Mapping[str, Any]]:
        path = self.directory / INDEX
        if not path.exists():
            return []
        index = files.read_json(path)
        if not isinstance(index, list) or not all(isinstance(entry, dict) and "sha256" in entry for entry in index):
            raise DamagedStateError(f"{path}: not a list of checkpoints; delete {self.directory} to train again")
        return index
