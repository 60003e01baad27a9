"""The loss of all pairs is that of each batch, weighed by its tokens."""

import pytest
import torch

from prefixrun.config.compose import compose
from prefixrun.config.schema import ModelConfig
from prefixrun.methods.base import Method
from prefixrun.models.batches import PairIds, Row
from prefixrun.models.loading import load
from prefixrun.training.batch_loss import EVAL_BATCH, batch_loss, mean_nll, token_losses

PAIRS = [
    PairIds((1, 2, 3 + number % 5, 256), (7, *range(20, 21 + number % 4), 256)) for number in range(EVAL_BATCH + 3)
]


def test_all_pairs_are_one_batch_for_the_loss() -> None:
    backbone = load(ModelConfig(name="tiny_gpt2", source="random", architecture="tiny_gpt2"))
    rows = [Row(pair.source, (pair.target,)) for pair in PAIRS]
    whole = batch_loss(Method(), backbone, Method().collate(backbone, rows, "token_mean"))
    assert mean_nll(Method(), backbone, PAIRS) == pytest.approx(float(whole), rel=1e-5)


@pytest.mark.parametrize("model", ["tiny_gpt2", "tiny_bart"])
def test_the_losses_of_tokens_are_those_of_pairs(model: str) -> None:
    backbone = load(compose([f"model={model}"]).model)
    rows = [Row(pair.source, (pair.target,)) for pair in PAIRS]
    method = Method()
    batch = method.collate(backbone, rows, "token_mean")
    with torch.no_grad(), method.attach(backbone):
        losses = token_losses(method, backbone, batch)
    assert losses.shape == batch.labels.shape
    assert float(losses.mean()) == pytest.approx(float(batch_loss(method, backbone, batch)), rel=1e-5)
    first = mean_nll(method, backbone, PAIRS[:1])
    assert float(losses[: len(PAIRS[0].target)].mean()) == pytest.approx(first, rel=1e-5)
