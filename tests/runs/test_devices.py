"""Devices by name: which is taken, and what is said of the others."""

import pytest
import torch

from prefixrun.config.compose import compose
from prefixrun.errors import ConfigError
from prefixrun.runs.devices import device


def machine(monkeypatch: pytest.MonkeyPatch, **counts: int) -> None:
    """A machine with so many GPUs of each kind, and a PyTorch that is built for these."""
    for kind, module in (("cuda", torch.cuda), ("xpu", torch.xpu), ("mps", torch.backends.mps)):
        monkeypatch.setattr(module, "is_available", lambda kind=kind: counts.get(kind, 0) > 0)
        if kind != "mps":
            monkeypatch.setattr(module, "device_count", lambda kind=kind: counts.get(kind, 0))
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: "cuda" in counts)
    monkeypatch.setattr(torch.xpu, "_is_compiled", lambda: "xpu" in counts)
    monkeypatch.setattr(torch.backends.mps, "is_built", lambda: "mps" in counts)


@pytest.mark.parametrize(
    ("name", "counts", "chosen"),
    [
        ("auto", {}, "cpu"),
        ("auto", {"cuda": 1}, "cuda"),
        ("auto", {"mps": 1, "xpu": 1}, "cpu"),
        ("cpu", {"cuda": 1}, "cpu"),
        ("cuda", {"cuda": 1}, "cuda"),
        ("cuda:0", {"cuda": 1}, "cuda:0"),
        ("cuda:3", {"cuda": 4}, "cuda:3"),
        ("mps", {"mps": 1}, "mps"),
        ("xpu", {"xpu": 2}, "xpu"),
        ("xpu:1", {"xpu": 2}, "xpu:1"),
    ],
)
def test_the_device_of_a_run(name: str, counts: dict[str, int], chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, **counts)
    assert device(compose([f"device={name}"])) == chosen
    assert torch.device(chosen)


@pytest.mark.parametrize(
    ("words", "counts", "message"),
    [
        (["device=cuda"], {}, r"device=cuda: this PyTorch .* is built without it; use device=cpu or device=auto"),
        (
            ["device=cuda"],
            {"cuda": 0},
            r"device=cuda: PyTorch finds no GPU of NVIDIA or AMD with a driver \(nvidia-smi",
        ),
        (["device=cuda:1"], {"cuda": 1}, r"device=cuda:1: there is no such GPU; the only one has the number 0"),
        (["device=cuda:7"], {"cuda": 4}, r"device=cuda:7: there is no such GPU; their numbers are 0 to 3"),
        (["device=mps"], {}, r"device=mps: this PyTorch .* is built without it"),
        (["device=mps"], {"mps": 0}, r"device=mps: PyTorch finds no GPU of Apple"),
        (["device=xpu:1"], {}, r"device=xpu:1: this PyTorch .* is built without it"),
        (["device=xpu"], {"xpu": 0}, r"device=xpu: PyTorch finds no GPU of Intel"),
        (["precision=fp16"], {}, r"precision=fp16: is for GPUs.*give precision=bf16"),
        (["precision=fp16", "device=cpu"], {"cuda": 1}, r"precision=fp16: is for GPUs"),
    ],
)
def test_what_is_missing_is_named(
    words: list[str], counts: dict[str, int], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, **counts)
    with pytest.raises(ConfigError, match=message):
        device(compose(words))


def test_half_precision_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, cuda=1)
    assert device(compose(["precision=fp16"])) == "cuda"


@pytest.mark.parametrize("name", ["tpu", "cuda:", "cuda:x", "mps:0", "cpu:0", "cuda:-1", "cuda:1000", "Cuda"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"device=.*must be a text of one of auto, cpu, cuda, mps and xpu"):
        compose([f"device={name}"])
