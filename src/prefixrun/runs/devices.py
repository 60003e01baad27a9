"""Where a run computes, and what is missing there."""

from __future__ import annotations

import torch

from prefixrun.config.schema import Config
from prefixrun.errors import ConfigError

MISSING = {
    "cuda": "no GPU of NVIDIA or AMD with a driver (nvidia-smi or rocm-smi would list it)",
    "mps": "no GPU of Apple, or an older macOS than it needs",
    "xpu": "no GPU of Intel with a driver (xpu-smi would list it)",
}
"""What a machine lacks where PyTorch has the code for a kind of GPU."""


def device(config: Config) -> str:
    """Where the run computes, as torch.device takes it.

    Raises:
        ConfigError: the device is not here; says whether PyTorch or the machine lacks it. precision=fp16 on a CPU.
    """
    name = config.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if kind != "cpu":
        _check(name, kind, int(number or 0))
    elif config.precision == "fp16":
        raise ConfigError(
            "precision=fp16: is for GPUs, and the run would be on the CPU, where it is slower than precision=fp32; "
            "give precision=bf16 or precision=fp32, or a device"
        )
    return name


def _check(name: str, kind: str, number: int) -> None:
    is_built, is_available, count = _state(kind)
    others = "use device=cpu or device=auto"
    if not is_available:
        if not is_built:
            raise ConfigError(f"device={name}: this PyTorch {torch.__version__} is built without it; {others}")
        raise ConfigError(f"device={name}: PyTorch finds {MISSING[kind]}; {others}")
    if number >= count:
        numbers = "the only one has the number 0" if count == 1 else f"their numbers are 0 to {count - 1}"
        raise ConfigError(f"device={name}: there is no such GPU; {numbers}")


def _state(kind: str) -> tuple[bool, bool, int]:
    """Whether this PyTorch has the code for a kind of GPU, whether it can be used, and how many there are."""
    if kind == "cuda":
        return torch.backends.cuda.is_built(), torch.cuda.is_available(), torch.cuda.device_count()
    if kind == "xpu":
        return torch.xpu._is_compiled(), torch.xpu.is_available(), torch.xpu.device_count()
    return torch.backends.mps.is_built(), torch.backends.mps.is_available(), 1
