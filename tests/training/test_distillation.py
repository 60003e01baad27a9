"""Training on what a teacher predicts: what it is measured by, and that a stop changes nothing."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import tiny_families
from prefixrun.config.schema import TrainConfig
from prefixrun.methods.base import Method
from prefixrun.methods.finetune import copies, names
from prefixrun.methods.prefix_flat import FlatPrefix
from prefixrun.methods.teacher import TeacherContext
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import PairIds, Row
from prefixrun.training.batch_loss import attached_loss, mean_kl
from prefixrun.training.checkpoint import Checkpoints
from prefixrun.training.distillation import Teacher
from prefixrun.training.interrupts import deferred
from prefixrun.training.progress import Progress
from prefixrun.training.trainer import Trainer
from training_settings import PLAIN

CONFIG = replace(PLAIN, epochs=2, checkpoint_every=2)
CONTEXT = (70, 71, 72, 73, 74)
PAIRS = [PairIds((*range(10 * i, 10 * i + 3 + i % 3), 256), (*range(100, 104 + i % 2), 256)) for i in range(4)]


def teacher_of(backbone: Backbone) -> Teacher:
    return Teacher(TeacherContext(CONTEXT).method(backbone), backbone)


def student(backbone: Backbone) -> Method:
    torch.manual_seed(0)
    return FlatPrefix(backbone.shape, backbone.sites, 3)


def trained(
    backbone: Backbone,
    directory: Path,
    config: TrainConfig = CONFIG,
    *,
    stop_after: int = 0,
    method: Method | None = None,
) -> tuple[Progress, dict[str, Tensor]]:
    trainer = Trainer(
        method or student(backbone),
        backbone,
        PAIRS,
        PAIRS[:2],
        config,
        seed=1,
        checkpoints=Checkpoints(directory),
        teacher=teacher_of(backbone),
    )
    with deferred() as interruption:

        def report(progress: Progress, steps: int, loss: float) -> None:
            if progress.step == stop_after:
                interruption.number = 2

        tensors = trainer.fit(report, interruption)
        interruption.number = None
    return trainer.progress, tensors


@pytest.mark.parametrize("family", ["gpt2", "llama", "bart"])
def test_a_teacher_does_not_diverge_from_itself_and_others_do(family: str) -> None:
    backbone = tiny_families.backbone_of(family)
    teacher = teacher_of(backbone)
    same = TeacherContext(CONTEXT).method(backbone).eval()
    assert mean_kl(same, backbone, teacher, PAIRS) == pytest.approx(0, abs=1e-6)
    assert mean_kl(Method(), backbone, teacher, PAIRS) > 1e-3


@pytest.mark.parametrize("family", ["gpt2", "bart"])
def test_targets_that_share_a_row_are_taught_as_they_are_alone(family: str) -> None:
    backbone = tiny_families.backbone_of(family)
    targets = ((100, 101, 256), (102, 256))
    losses = []
    for rows in ([Row((1, 2, 256), targets)], [Row((1, 2, 256), (target,)) for target in targets]):
        batch = Method().collate(backbone, rows, "token_mean")
        losses.append(attached_loss(Method(), backbone, batch, 0.0, teacher_of(backbone).states(rows).targets))
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-4, atol=1e-6)


def test_dropout_of_the_model_is_off_for_the_teacher_alone() -> None:
    backbone = tiny_families.backbone_of("gpt2")
    rows = [Row(PAIRS[0].source, (PAIRS[0].target,))]
    teacher = teacher_of(backbone)
    expected = teacher.states(rows).targets.hidden
    backbone.model.train()
    try:
        output = teacher.states(rows)
        assert backbone.model.training
    finally:
        backbone.model.eval()
    torch.testing.assert_close(output.targets.hidden, expected)
    assert not output.targets.hidden.requires_grad
    assert output.positions == len(PAIRS[0].source) + len(PAIRS[0].target) - 1


@pytest.mark.parametrize("family", ["gpt2", "llama", "bart"])
def test_training_comes_closer_to_the_teacher(tmp_path: Path, family: str) -> None:
    backbone = tiny_families.backbone_of(family)
    before = mean_kl(student(backbone).eval(), backbone, teacher_of(backbone), PAIRS[:2])
    progress, _ = trained(backbone, tmp_path, replace(CONFIG, lr=0.1, epochs=10))
    assert progress.history[-1]["dev_kl"] < before / 2
    assert progress.history[-1]["dev_loss"] > progress.history[-1]["dev_kl"]
    assert progress.start_loss is not None
    assert progress.start_loss < 1, "the losses of steps are divergences too"


def test_a_stop_and_recomputed_blocks_change_nothing(tmp_path: Path) -> None:
    backbone = tiny_families.backbone_of("llama")
    progress, whole = trained(backbone, tmp_path / "whole")
    first, _ = trained(backbone, tmp_path / "stopped", stop_after=3)
    assert first.step == 3
    again, resumed = trained(backbone, tmp_path / "stopped")
    _, recomputed = trained(backbone, tmp_path / "recomputed", replace(CONFIG, gradient_checkpointing=True))
    assert again.history == progress.history
    for name, tensor in whole.items():
        assert torch.equal(resumed[name], tensor)
        assert torch.equal(recomputed[name], tensor)


def test_the_teacher_of_a_trained_model_is_the_frozen_one(tmp_path: Path) -> None:
    backbone = tiny_families.backbone_of("gpt2")
    before = teacher_of(backbone).states([Row(PAIRS[0].source, (PAIRS[0].target,))]).targets
    method = copies(backbone.model, names(backbone.model))
    progress, _ = trained(backbone, tmp_path, replace(CONFIG, lr=1e-3, epochs=10), method=method)
    after = teacher_of(backbone).states([Row(PAIRS[0].source, (PAIRS[0].target,))]).targets
    assert torch.equal(before.hidden, after.hidden)
    assert torch.equal(before.weight, after.weight)
    assert progress.history[-1]["dev_kl"] < progress.history[0]["dev_kl"]
