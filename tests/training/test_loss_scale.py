"""Training in float16, on a CPU: the loss is scaled, and a step that leaves the range is computed again."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from prefixrun import methods
from prefixrun.config.compose import compose
from prefixrun.models.batches import PairIds
from prefixrun.models.loading import load
from prefixrun.training import trainer
from prefixrun.training.interrupts import Pending
from prefixrun.training.loss_scale import LOSS_SCALES, unscale

PAIRS = [PairIds((5, 6, 7, 256), (8, 9, 256)), PairIds((11, 256), (12, 13, 14, 256))]
NO_FILES: Any = SimpleNamespace(latest=lambda: (None, []), save=lambda _: None)


def trained(precision: str, scales: Sequence[float], monkeypatch: pytest.MonkeyPatch) -> tuple[torch.Tensor, int]:
    """A prefix after three steps, and the positions that were counted."""
    monkeypatch.setattr(trainer, "LOSS_SCALES", {torch.float16: tuple(scales)})
    words = ["model=tiny_llama", "method=prefix_flat", "prefix_len=3", "init=random", "train.epochs=3"]
    config = compose(
        [
            *words,
            "train.warmup_steps=0",
            "train.eval_examples=0",
            "train.lr=0.01",
            "train.batch_size=2",
            "train.targets_per_row=1",
        ]
    )
    backbone = load(config.model, precision=precision)
    torch.manual_seed(0)
    method = methods.build(config, backbone)
    method.initialize(backbone, config)
    loop = trainer.Trainer(method, backbone, PAIRS, [], config.train, seed=1, checkpoints=NO_FILES)
    tensors = loop.fit(lambda *_: None, Pending())
    return tensors["decoder"], loop.progress.positions


def test_half_precision_trains_like_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    single, positions = trained("fp32", (), monkeypatch)
    half, of_half = trained("fp16", LOSS_SCALES[torch.float16], monkeypatch)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, single, rtol=0.02, atol=0.005)
    assert of_half == positions


def test_a_step_beyond_the_range_is_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    again, positions = trained("fp16", (1e9, 1e8, 64.0), monkeypatch)
    alone, of_alone = trained("fp16", (64.0,), monkeypatch)
    assert torch.equal(again, alone)
    assert positions == of_alone


def test_gradients_are_divided_and_looked_at() -> None:
    parameters = [nn.Parameter(torch.zeros(2)) for _ in range(3)]
    parameters[0].grad, parameters[1].grad = torch.tensor([4.0, 8.0]), torch.tensor([0.0, -2.0])
    assert unscale(parameters, 2.0)
    assert parameters[0].grad.tolist() == [2.0, 4.0]
    parameters[1].grad[0] = torch.inf
    assert not unscale(parameters, 2.0)
