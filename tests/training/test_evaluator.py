"""What is made of the losses: when patience ends, and which of them end a training."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from prefixrun.config.schema import TrainConfig
from prefixrun.errors import DivergedError, PrefixrunError
from prefixrun.methods.prefix_flat import FlatPrefix
from prefixrun.models.backbone import Backbone
from prefixrun.training.data_parallel import SINGLE_PROCESS
from prefixrun.training.evaluator import Evaluator
from prefixrun.training.progress import Progress
from training_settings import PLAIN

CONFIG = replace(PLAIN, diverged_steps=3)


def evaluator(backbone: Backbone, config: TrainConfig = CONFIG) -> Evaluator:
    method = FlatPrefix(backbone.shape, backbone.sites, 2)
    return Evaluator(method, backbone, [], [], config, SINGLE_PROCESS, None)


def measured(losses: Sequence[float]) -> Progress:
    return Progress(history=[{"step": step, "dev_loss": loss} for step, loss in enumerate(losses)])


@pytest.mark.parametrize(
    ("patience", "losses", "ends"),
    [
        (None, [1.0, 2.0, 3.0], False),
        (0, [], False),
        (0, [2.0, 1.0], False),
        (0, [1.0, 1.0], True),
        (1, [1.0, 2.0], False),
        (1, [1.0, 2.0, 3.0], True),
        (1, [1.0, 2.0, 0.5, 2.0], False),
    ],
)
def test_when_patience_ends(backbone: Backbone, patience: int | None, losses: list[float], ends: bool) -> None:
    config = replace(CONFIG, patience=patience)
    assert evaluator(backbone, config).is_out_of_patience(measured(losses)) is ends


def test_a_loss_that_is_no_number_is_of_the_start_or_has_diverged(backbone: Backbone) -> None:
    checks = evaluator(backbone)
    checks.check_finite(1.0, 1, Progress())
    with pytest.raises(PrefixrunError, match="before anything was trained") as raised:
        checks.check_finite(math.nan, 1, Progress())
    assert not isinstance(raised.value, DivergedError)
    for step, progress in ((1, Progress(start_loss=2.0)), (2, Progress())):
        with pytest.raises(DivergedError, match=f"step {step}: the loss is not a number"):
            checks.check_finite(math.inf, step, progress)


def test_a_loss_that_has_risen_leaves_its_entry(backbone: Backbone) -> None:
    checks = evaluator(backbone)
    checks.check_risen(Progress(), is_last=True)
    progress = Progress(step=4, start_loss=2.0, recent_losses=[9.0] * 3)
    progress.nll_since_evaluation, progress.tokens_since_evaluation = 90.0, 10
    with pytest.raises(DivergedError, match=r"9\.00 over the last 3 steps and was 2\.00 at the start"):
        checks.check_risen(progress, is_last=False)
    assert progress.history == [{"step": 4, "train_loss": 9.0}]
    behind_an_evaluation = Progress(step=4, start_loss=2.0, recent_losses=[9.0] * 3)
    with pytest.raises(DivergedError):
        checks.check_risen(behind_an_evaluation, is_last=True)
    assert behind_an_evaluation.history == []


def test_a_trained_state_that_is_not_numbers_has_diverged(backbone: Backbone) -> None:
    """Also where no loss shows it, as in the embedding of a token that no batch has."""
    with pytest.raises(DivergedError, match=r"step 0: what was trained is not numbers; .* try train\.lr="):
        evaluator(backbone).check_trained({"decoder": torch.tensor([0.0, math.inf])}, Progress())
