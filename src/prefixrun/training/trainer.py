"""Training: one loop over batches, AdamW with linear decay, resumable after every checkpoint.

The only trained parameters are the method's; the backbone is frozen. What depends on chance is drawn from streams
named by (seed, epoch) or (seed, step), so a resumed run ends with the same bits as an uninterrupted one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor, nn

from prefixrun.config.schema import TrainConfig
from prefixrun.errors import PrefixrunError
from prefixrun.methods.base import Method
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import LossMode, PairIds, Row
from prefixrun.models.gradient_checkpointing import checkpointed_blocks
from prefixrun.models.training_kernels import training_kernels
from prefixrun.models.transfer import is_queued
from prefixrun.training.batch_loss import attached_loss
from prefixrun.training.checkpoint import Checkpoint, Checkpoints, load_state, state_tensors
from prefixrun.training.data_parallel import SINGLE_PROCESS, ProcessGroup
from prefixrun.training.distillation import Teacher
from prefixrun.training.evaluator import Evaluator
from prefixrun.training.interrupts import Pending
from prefixrun.training.loss_scale import LOSS_SCALES, UNSCALED, unscale
from prefixrun.training.progress import Progress
from prefixrun.training.sampler import StepBatches, schedule_steps
from prefixrun.training.unread_losses import UnreadLosses

BATCHES = 3
"""Number of the random streams of what is drawn for a batch; 1 are those of dropout, 2 that of initialisation."""

Report = Callable[[Progress, int, float], None]
"""Called after every step with the progress, the number of steps in all and the batch's loss in nats a token."""
READ_EVERY = 16
"""Steps after which the losses are read back from a GPU, where each reading waits for it; on a CPU every step's is."""


class Trainer:
    """The training of one method on one frozen backbone. It begins at the newest checkpoint, if there is one.

    Args:
        method: trained in place.
        train_pairs, dev_pairs: token ids; without development pairs no dev loss is measured.
        checkpoints: where the state is saved and looked for.
        group: the processes that share each batch; only its first process writes checkpoints.
        teacher: with it the divergence from what it predicts is trained on, in place of the targets' own likelihood;
            all training losses are that divergence. The dev loss stays the likelihood, and dev_kl stands beside it.

    Raises:
        DamagedStateError: there are checkpoints, and none can be read.
    """

    def __init__(
        self,
        method: Method,
        backbone: Backbone,
        train_pairs: Sequence[PairIds],
        dev_pairs: Sequence[PairIds],
        config: TrainConfig,
        *,
        seed: int,
        checkpoints: Checkpoints,
        group: ProcessGroup = SINGLE_PROCESS,
        teacher: Teacher | None = None,
    ) -> None:
        self.teacher = teacher
        self.method, self.backbone, self.config, self.seed, self.group = method, backbone, config, seed, group
        self.checkpoints = checkpoints
        self.steps = schedule_steps(train_pairs, config, seed)
        self.parameters = [parameter for parameter in method.parameters() if parameter.requires_grad]
        device = backbone.head.device
        self._waits_each_step = group.size > 1 or not is_queued(device)
        self._unread, self._last_loss = UnreadLosses(), math.nan
        self.optimiser = torch.optim.AdamW(
            self.parameters,
            lr=config.lr,
            betas=(config.adam_beta1, config.adam_beta2),
            eps=config.adam_eps,
            weight_decay=config.weight_decay,
            fused=True,  # one pass over all parameters and their running means
        )
        self.progress = Progress()
        self.evaluator = Evaluator(method, backbone, train_pairs, dev_pairs, config, group, teacher)
        self._resume()

    def fit(self, report: Report, interruption: Pending) -> dict[str, Tensor]:
        """Take the steps that are left; returns the trained tensors, the last or with train.keep=best the best ones.

        After the step during which `interruption` is set, in this process or another, a checkpoint is written and the
        loop ends. Where it is set already, no step is taken.

        Raises:
            DivergedError: the loss has stayed far above its start, or it or what was trained is no number.
            PrefixrunError: the loss is no number before anything was trained; another process has ended, or began at
                another step.
        """
        with training_kernels(self.backbone.model):
            return self._fit(report, interruption)

    def _fit(self, report: Report, interruption: Pending) -> dict[str, Tensor]:
        config, progress = self.config, self.progress
        self._start_together()
        if self._is_stopping(interruption):  # a signal came during the initialisation, or while a checkpoint was read
            return self.method.trained_tensors()
        for number, batches in enumerate(self.steps, start=1):
            if number <= progress.step:  # before the checkpoint
                continue
            if self.evaluator.is_out_of_patience(progress):
                self.evaluator.check_risen(progress, is_last=True)
                break

            started = time.perf_counter()
            progress.lr = config.lr * schedule(progress.step, len(self.steps), config.warmup_steps)
            for parameter_group in self.optimiser.param_groups:
                parameter_group["lr"] = progress.lr
            self._gradients(batches, number)
            if self._waits_each_step:
                self._read_losses()
            torch.nn.utils.clip_grad_norm_(self.parameters, config.clip_norm)
            self.optimiser.step()
            self._record_step(batches)
            is_last = number == len(self.steps)
            evaluates = is_last or (
                batches.ends_epoch if config.eval_every is None else number % config.eval_every == 0
            )
            # An evaluation begins a new count: look at the old first. The first loss is read at once, to be reported.
            if evaluates or len(self._unread) >= READ_EVERY or math.isnan(self._last_loss):
                self._read_losses()
            progress.step = number
            progress.seconds += time.perf_counter() - started

            self.evaluator.check_risen(progress, is_last)
            if evaluates:
                self.evaluator.evaluate(progress, is_last)
            report(progress, len(self.steps), self._last_loss)
            is_stopping = self._is_stopping(interruption)
            if is_stopping or is_last or number % config.checkpoint_every == 0:
                self._save()
            if is_stopping:
                break
        trained = (self.evaluator.best if config.keep == "best" else {}) or self.method.trained_tensors()
        if not interruption:
            self.evaluator.check_trained(trained, progress)
        return trained

    def _is_stopping(self, interruption: Pending) -> bool:
        """Whether a signal came, here or in another process, whose number this one then has too: all end after the
        same step."""
        interruption.number = int(self.group.max([interruption.number or 0])[0]) or None
        return bool(interruption)

    def _gradients(self, batches: StepBatches, step: int) -> None:
        """Compute the gradients of a step, see `_backward`; in float16 with a loss scale that fits."""
        before = self.progress.positions
        for scale in LOSS_SCALES.get(self.backbone.head.dtype, UNSCALED):
            self.progress.positions = before
            self.optimiser.zero_grad()
            losses, weights = self._backward(batches, scale)
            if scale == 1 or unscale(self.parameters, scale):
                break
        tokens = sum(len(target) for row in batches.rows for target in row.targets)
        self._unread.add(step, tokens, losses, len(batches.micro_batches), weights)

    def _backward(self, batches: StepBatches, scale: float) -> tuple[list[Tensor], list[float]]:
        """Add up the gradients of the mean loss of the micro-batches, times `scale`, over all processes.

        Returns the losses of this process's micro-batches, scalars divided by the number of micro-batches, and the
        weight that each target has in its loss, see batches.loss_factors. With label smoothing they are smoothed.
        """
        method, backbone, loss_mode = self.method, self.backbone, self.config.loss_mode
        losses: list[Tensor] = []
        weights: list[float] = []
        positions, count = 0, len(batches.micro_batches)
        with self._dropout(), self._memory():
            for number, rows in enumerate(batches.micro_batches):
                # The same in all processes, whatever share of the rows they have.
                method.begin_batch(np.random.default_rng([self.seed, BATCHES, self.progress.step, number]))
                share = self.group.share_of(rows)
                if not share:
                    continue
                batch = method.collate(backbone, share, loss_mode)
                teacher_output = None if self.teacher is None else self.teacher.states(share)
                teacher_states = None if teacher_output is None else teacher_output.targets
                with method.attach(backbone):  # checkpointed blocks are computed again in the backward pass
                    loss = attached_loss(method, backbone, batch, self.config.label_smoothing, teacher_states) / count
                    losses.append(loss)
                    weights.append(float(np.float32(1 / _divisor(share, loss_mode))))
                    if self.group.size > 1:
                        # The loss is a mean over this process's share; its part in the mean over all rows is smaller.
                        loss = loss * (_divisor(share, loss_mode) / _divisor(rows, loss_mode))
                    (loss if scale == 1 else loss * scale).backward()
                positions += batch.position_count + (0 if teacher_output is None else teacher_output.positions)
        self.group.all_reduce_gradients(self.parameters)
        (all_positions,) = self.group.sum([positions])
        self.progress.positions += int(all_positions)
        return losses, weights

    def _read_losses(self) -> None:
        """Add the losses of all steps since the last reading to the progress.

        Raises PrefixrunError for one that is no number. Nothing is saved or evaluated before.
        """
        progress = self.progress
        for step, process_nll, tokens in self._unread.read():
            (nll,) = self.group.sum([process_nll])
            self.evaluator.check_finite(nll, step, progress)
            self._last_loss = nll / tokens
            progress.nll_since_evaluation += nll
            progress.tokens_since_evaluation += tokens
            if progress.start_loss is None:
                progress.start_loss = self._last_loss
            else:
                progress.recent_losses = [*progress.recent_losses, self._last_loss][-self.config.diverged_steps :]

    @contextmanager
    def _dropout(self) -> Iterator[None]:
        """Draw the dropout of a step from a stream of its own; the language model's is off unless asked for.

        Dropout on a prefix is the same in all processes; dropout on rows is drawn by each process for its share.
        """
        stream = [self.seed, 1, self.progress.step]
        on_rows = self.config.lm_dropout or any(isinstance(module, nn.Dropout) for module in self.method.modules())
        if on_rows and self.group.rank:
            stream.append(self.group.rank)
        self.method.train()
        self.backbone.model.train(self.config.lm_dropout)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(np.random.SeedSequence(stream).generate_state(1)[0].item())
            try:
                yield
            finally:
                self.method.eval()
                self.backbone.model.eval()

    def _memory(self) -> AbstractContextManager[None]:
        """The way in which a step remembers what its gradients need."""
        if self.config.gradient_checkpointing:
            return checkpointed_blocks(self.backbone.model)
        return nullcontext()

    def _record_step(self, batches: StepBatches) -> None:
        """Add what a step has cost to the progress."""
        self.progress.pair_tokens += sum(row.pair_tokens for row in batches.rows)
        self.progress.processes = max(self.progress.processes, self.group.size)

    def _save(self) -> None:
        """Write a checkpoint, once for all processes."""
        self._read_losses()
        if not self.group.writes:
            return
        tensors = state_tensors(self.method, self.optimiser, self.evaluator.best)
        self.checkpoints.save(Checkpoint(self.progress.step, tensors, asdict(self.progress)))

    def _resume(self) -> None:
        checkpoint, self.checkpoint_problems = self.checkpoints.latest()
        if checkpoint is None:
            return
        self.evaluator.best = load_state(self.method, self.optimiser, checkpoint.tensors)
        self.progress = Progress.restored(checkpoint.values)

    def _start_together(self) -> None:
        """Check that all processes read the same checkpoint, and give them the parameters of the first one."""
        step = self.progress.step
        most, least = self.group.max([step, -step])
        if most != -least:
            raise PrefixrunError(
                f"the processes would begin after different steps ({-least:.0f} and {most:.0f}): give a results_dir "
                "that all of them see"
            )
        self.group.broadcast(self.method.parameters())


def schedule(step: int, steps: int, warmup: int) -> float:
    """Factor of the learning rate at `step` (from 0): linear up to `warmup`, then linear down to 0 after the last."""
    if step < warmup:
        return step / warmup
    return (steps - step) / max(1, steps - warmup)


def _divisor(rows: Sequence[Row], loss_mode: LossMode) -> int:
    """What the loss of a batch is divided by: its pairs, or their target tokens."""
    targets = [target for row in rows for target in row.targets]
    return len(targets) if loss_mode == "sentence_sum" else sum(map(len, targets))
