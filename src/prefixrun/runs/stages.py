"""The stages of a run: train, decode, score. Each takes what the one before it returned; none writes to the run.

(Training saves its checkpoints, which only it reads.)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from prefixrun import methods, metrics
from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.config.warmup import SHARE
from prefixrun.data import Example
from prefixrun.decoding.generate import generate_each
from prefixrun.methods import Method, init_source, nested, prompt
from prefixrun.models.prepacked import prepacked_weights
from prefixrun.runs.log import LOG, Stage
from prefixrun.runs.prepare import PreparedRun
from prefixrun.training.batch_loss import mean_nll
from prefixrun.training.checkpoint import Checkpoints
from prefixrun.training.data_parallel import SINGLE_PROCESS, ProcessGroup
from prefixrun.training.distillation import Teacher
from prefixrun.training.interrupts import Pending
from prefixrun.training.progress import Progress
from prefixrun.training.trainer import Report, Trainer

Watch = Callable[[Progress], None]
"""Looks at a training after every step."""


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """What training leaves."""

    tensors: Mapping[str, Tensor]
    """What is stored of the method, by name, on the CPU: float32, or the int64 ids of a prompt."""
    parameters: Mapping[str, int]
    """`trained`, `stored`, `total`."""
    training: Mapping[str, Any]
    """The fields of `Progress`, `fit_error` of the initialisation, `start` of an initialisation from texts or
    a run, `teacher` of a distillation, for discrete prompting `prompt`, and for nested training `lengths`."""


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """Outputs of as many inputs as a batch has."""

    outputs: Sequence[tuple[Example, tuple[str, ...]]]
    """Every example of these inputs with its outputs, the one that is scored first; examples with the same input
    share them."""
    seconds: float
    inputs: int


def train(
    prepared: PreparedRun,
    checkpoints: Checkpoints,
    progress: Stage,
    interruption: Pending,
    group: ProcessGroup = SINGLE_PROCESS,
    watch: Watch | None = None,
) -> TrainingOutcome:
    """Train the method of a run from its initialisation or its newest checkpoint. Errors as Trainer's.

    watch: called after every step; what it raises ends the training as a kill would.

    After an interruption the outcome is that of an unfinished training: the state is in the checkpoint.
    """
    config, backbone = prepared.config, prepared.backbone
    if config.method.name == "prefix_combined":
        return _combined_outcome(prepared, group)
    if not METHOD_SPECS[config.method.name].trains:
        return _prompt_outcome(prepared)
    method = methods.build(config, backbone).to(backbone.head.device)
    if METHOD_SPECS[config.method.name].has_init:
        LOG.info("initialising %s, init=%s", METHOD_SPECS[config.method.name].label, config.init.name)
    fit_error = init_source.initialize(method, backbone, config, prepared.init_source)
    teacher = None if prepared.teacher is None else Teacher(prepared.teacher.method(backbone), backbone)
    trainer = Trainer(
        method,
        backbone,
        prepared.train_pairs,
        prepared.dev_pairs,
        config.train,
        seed=config.seed,
        checkpoints=checkpoints,
        group=group,
        teacher=teacher,
    )
    for problem in trainer.checkpoint_problems:
        LOG.info("checkpoint left out: %s", problem)
    if trainer.progress.step:
        LOG.info("going on after step %d", trainer.progress.step)
    LOG.info("training %s parameters on %s pairs", f"{method.trained_count:,}", f"{len(prepared.train_pairs):,}")
    for note in _schedule_notes(trainer):
        LOG.info("%s", note)
    trained = trainer.fit(_watched(partial(_report, progress, replace(trainer.progress)), watch), interruption)
    tensors = {name: tensor.float().cpu().contiguous() for name, tensor in trained.items()}
    stored = sum(tensor.numel() for tensor in tensors.values())
    lengths = {}
    if config.method.nested and prepared.dev_pairs and not interruption:
        lengths = {"lengths": _losses_of_lengths(prepared, trained, group)}
    return TrainingOutcome(
        tensors,
        {"trained": method.trained_count, "stored": stored, "total": backbone.total},
        {
            **asdict(trainer.progress),
            "fit_error": fit_error,
            **lengths,
            **({} if prepared.init_source is None else {"start": prepared.init_source.description()}),
            **({} if prepared.teacher is None else {"teacher": prepared.teacher.description()}),
        },
    )


def _schedule_notes(trainer: Trainer) -> Iterator[str]:
    """What the settings ask for and the training will not do, as nobody knew before the corpus was read."""
    train, steps = trainer.config, len(trainer.steps)
    if 0 < steps <= train.warmup_steps:
        yield (
            f"train.warmup_steps={train.warmup_steps}: the training has {steps} steps and does not reach its learning "
            f"rate; give train.warmup_steps={steps // SHARE}"
        )
    if train.max_steps is not None and steps < train.max_steps:
        yield f"train.max_steps={train.max_steps}: train.epochs={train.epochs} end the training after {steps} steps"
    evaluations = (
        sum(step.ends_epoch for step in trainer.steps) if train.eval_every is None else -(-steps // train.eval_every)
    )
    if train.keep == "best" and evaluations == 1:
        yield "train.keep=best: the development loss is measured once, after the last step; give train.eval_every"


def _losses_of_lengths(
    prepared: PreparedRun, trained: Mapping[str, Tensor], group: ProcessGroup
) -> list[dict[str, float]]:
    """The development loss of the first positions of a nested prefix alone, for the lengths of nested.grid."""
    config, backbone = prepared.config, prepared.backbone
    there = {name: tensor.to(backbone.head.device) for name, tensor in trained.items()}  # the best ones are on the CPU
    losses = []
    for length in nested.grid(config.prefix_len):
        _, method = nested.cut(config, backbone, there, length)
        losses.append({"prefix_len": length, "dev_loss": mean_nll(method, backbone, prepared.dev_pairs, group)})
    LOG.info("dev loss by length: %s", ", ".join(f"{entry['prefix_len']}: {entry['dev_loss']:.4f}" for entry in losses))
    return losses


def _prompt_outcome(prepared: PreparedRun) -> TrainingOutcome:
    """Discrete prompting: nothing is trained; the prompt's token ids are kept, and which examples it shows."""
    config, pairs = prepared.config, prepared.data.pairs
    ids = prompt.tokens(config, prepared.backbone.tokenizer, pairs)
    examples = [pair.id for pair in prompt.shown_pairs(config, pairs)]
    LOG.info("a prompt of %d tokens with %d examples; nothing is trained", len(ids), len(examples))
    return TrainingOutcome(
        {prompt.NAME: torch.tensor(ids)},
        {"trained": 0, "stored": 0, "total": prepared.backbone.total},
        {**asdict(Progress()), "fit_error": None, "prompt": {"tokens": len(ids), "examples": examples}},
    )


def _combined_outcome(prepared: PreparedRun, group: ProcessGroup) -> TrainingOutcome:
    """Prefixes of other runs as one: nothing is trained; its development loss is measured once."""
    config, backbone = prepared.config, prepared.backbone
    assert prepared.init_source is not None
    assert prepared.init_source.trained is not None
    tensors = {site: tensor.float().contiguous() for site, tensor in prepared.init_source.trained.items()}
    history = []
    if prepared.dev_pairs:
        on_device = {site: tensor.to(backbone.head.device) for site, tensor in tensors.items()}
        method = methods.restore(config, backbone, on_device)
        history = [{"step": 0, "dev_loss": mean_nll(method, backbone, prepared.dev_pairs, group)}]
    stored = sum(tensor.numel() for tensor in tensors.values())
    LOG.info(
        "%s of runs %s: %d positions; nothing is trained",
        config.method.combine,
        prepared.init_source.run,
        config.prefix_len,
    )
    return TrainingOutcome(
        tensors,
        {"trained": 0, "stored": stored, "total": backbone.total},
        {**asdict(Progress()), "history": history, "fit_error": None, "start": prepared.init_source.description()},
    )


def _report(stage: Stage, before: Progress, progress: Progress, steps: int, loss: float) -> None:
    """before: the progress with which this process began, whose speed may have been another."""
    seconds = max(progress.seconds - before.seconds, 1e-9)
    speed = (progress.pair_tokens - before.pair_tokens) / seconds
    stage.update(progress.step, steps, f"loss {loss:.3f}  {speed:.0f} tokens/s")
    if progress.history and progress.history[-1]["step"] == progress.step:
        last = progress.history[-1]
        dev = f", dev loss {last['dev_loss']:.4f}" if "dev_loss" in last else ""
        LOG.info("step %d: train loss %.4f%s", progress.step, last["train_loss"], dev)


def _watched(report: Report, watch: Watch | None) -> Report:
    """A report that is followed by a look of `watch`."""
    if watch is None:
        return report

    def both(progress: Progress, steps: int, loss: float) -> None:
        report(progress, steps, loss)
        watch(progress)

    return both


def decode(prepared: PreparedRun, method: Method, done: Mapping[str, str]) -> Iterator[DecodedBatch]:
    """Decode the inputs that have no output yet; they are handed on as soon as a batch's number of them is done.

    Those of like length begin together, which saves padding, and the longest first: their outputs tend to be long too,
    and a long one that begins last is computed alone.

    method: trained. done: id -> output of examples that an earlier process has decoded. Examples with the same input
    (DART, WebNLG) share one output, as in the paper's code (data/dart/temp.py).
    """
    config, backbone = prepared.config.decode, prepared.backbone
    examples_of_source: dict[str, list[Example]] = {}
    for example in prepared.data.inputs:
        if example.id not in done:
            examples_of_source.setdefault(example.source, []).append(example)
    sources = sorted(examples_of_source, key=lambda source: -len(prepared.prompts[source]))
    with prepacked_weights(backbone.model):
        started = time.perf_counter()
        decoded = generate_each(backbone, method, [prepared.prompts[source] for source in sources], config)
        while batch := list(islice(decoded, config.batch_size)):
            outputs = [
                (example, tuple(map(backbone.tokenizer.output, several)))
                for index, several in batch
                for example in examples_of_source[sources[index]]
            ]
            yield DecodedBatch(outputs, time.perf_counter() - started, len(batch))
            started = time.perf_counter()


def score(prepared: PreparedRun, outputs: Sequence[str]) -> tuple[Mapping[str, metrics.Score], pd.DataFrame]:
    """The scores of the outputs, in the order of the run's inputs, and the counts behind them, one row an input."""
    examples = prepared.data.inputs
    groups = [example.group for example in examples] if any(example.group for example in examples) else None
    evaluation = metrics.evaluate(
        prepared.config.task.scored_as,
        outputs,
        [example.references for example in examples],
        groups,
        [example.source for example in examples],
    )
    group_column = {} if groups is None else {"group": groups}
    stats = pd.DataFrame({"id": [example.id for example in examples], **group_column, **evaluation.stats})
    return evaluation.scores, stats
