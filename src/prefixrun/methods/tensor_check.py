"""Whether stored tensors are those of a method on a model."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from prefixrun.errors import DamagedStateError


def check_fit(tensors: Mapping[str, Tensor], shapes: Mapping[str, torch.Size]) -> None:
    """Raises DamagedStateError unless there is a floating-point tensor of each shape and nothing else."""
    problems = [f"{name} is missing" for name in shapes if name not in tensors]
    problems += [f"{name} is not expected" for name in tensors if name not in shapes]
    for name, tensor in tensors.items():
        if name in shapes and (tensor.shape != shapes[name] or not tensor.is_floating_point()):
            problems.append(f"{name} is {tensor.dtype} of {tuple(tensor.shape)}, not {tuple(shapes[name])} numbers")
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise DamagedStateError(
            f"what is stored does not belong to this method and model: {'; '.join(problems[:3])}{more}; "
            "use it with the run's own model, or delete the run's directory to train again"
        )
