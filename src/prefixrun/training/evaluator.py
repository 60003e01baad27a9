"""Evaluation during training: the development loss, the best checkpoint by it, and whether training has diverged."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from prefixrun.config.schema import TrainConfig
from prefixrun.errors import DivergedError, PrefixrunError
from prefixrun.methods.base import Method
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import PairIds
from prefixrun.training.batch_loss import mean_kl, mean_nll
from prefixrun.training.data_parallel import ProcessGroup
from prefixrun.training.distillation import Teacher
from prefixrun.training.divergence import diverged, risen_loss
from prefixrun.training.progress import Progress


class Evaluator:
    """Measures the method in training, see `Trainer` for the arguments. It writes its entries to `progress.history`."""

    def __init__(
        self,
        method: Method,
        backbone: Backbone,
        train_pairs: Sequence[PairIds],
        dev_pairs: Sequence[PairIds],
        config: TrainConfig,
        group: ProcessGroup,
        teacher: Teacher | None,
    ) -> None:
        self.method, self.backbone, self.config, self.group, self.teacher = method, backbone, config, group, teacher
        self.train_pairs, self.dev_pairs = train_pairs, dev_pairs
        self.best: dict[str, Tensor] = {}
        """The trained tensors at the lowest dev loss so far, in the memory of the CPU."""

    def evaluate(self, progress: Progress, is_last: bool) -> None:
        """Measure the losses; remember the best parameters for train.keep=best, and for a run that diverges later."""
        entry = {"step": progress.step, "train_loss": progress.nll_since_evaluation / progress.tokens_since_evaluation}
        if self.dev_pairs:
            entry["dev_loss"] = mean_nll(self.method, self.backbone, self.dev_pairs, self.group)
            self.check_finite(entry["dev_loss"], progress.step, progress)
            if self.teacher is not None:
                entry["dev_kl"] = mean_kl(self.method, self.backbone, self.teacher, self.dev_pairs, self.group)
            is_wanted = self.config.keep == "best" or not is_last
            if is_wanted and entry["dev_loss"] < min(progress.dev_losses, default=math.inf):
                tensors = self.method.trained_tensors()
                self.best = {name: value.detach().to("cpu", copy=True) for name, value in tensors.items()}
        progress.history.append(entry)
        progress.nll_since_evaluation, progress.tokens_since_evaluation = 0.0, 0

    def is_out_of_patience(self, progress: Progress) -> bool:
        """Whether the dev loss has not improved for more than `patience` evaluations."""
        losses, patience = progress.dev_losses, self.config.patience
        return patience is not None and bool(losses) and len(losses) - 1 - losses.index(min(losses)) > patience

    def check_finite(self, loss: float, step: int, progress: Progress) -> None:
        """Raise DivergedError for a loss that is no number, PrefixrunError for such a loss of the first step."""
        if math.isfinite(loss):
            return
        if step == 1 and progress.start_loss is None:
            raise PrefixrunError(
                "step 1: the loss is not a number, before anything was trained; look at the initialisation (init), at "
                "the model's weights, and at the precision"
            )
        raise self._diverged("the loss is not a number", step, progress)

    def check_risen(self, progress: Progress, is_last: bool) -> None:
        """Raise DivergedError where the loss has stayed far above its start."""
        start, recent = progress.start_loss, progress.recent_losses
        if start is None:  # on a GPU it has not been read yet
            return
        loss = risen_loss(start, recent, self.config, is_last=is_last)
        if loss is not None:
            if progress.tokens_since_evaluation:
                train_loss = progress.nll_since_evaluation / progress.tokens_since_evaluation
                progress.history.append({"step": progress.step, "train_loss": train_loss})
            what = f"the training loss is {loss:.2f} over the last {len(recent)} steps and was {start:.2f} at the start"
            raise self._diverged(what, progress.step, progress)

    def check_trained(self, trained: dict[str, Tensor], progress: Progress) -> None:
        """Refuse parameters after the last step that are no numbers, or give none; a dev loss has shown it already."""
        if not all(tensor.isfinite().all() for tensor in trained.values()):
            raise self._diverged("what was trained is not numbers", progress.step, progress)
        if not self.dev_pairs:
            loss = mean_nll(self.method, self.backbone, self.train_pairs[:1], self.group)
            self.check_finite(loss, progress.step, progress)

    def _diverged(self, what: str, step: int, progress: Progress) -> DivergedError:
        return diverged(what, step, self.config, progress.history, self.best)
