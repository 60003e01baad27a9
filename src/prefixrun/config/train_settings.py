"""The sections `train` and `distill`: the optimisation and its objective."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from prefixrun.config.field_types import NO_NUMBER, PLACE, Count, CountOrZero, Range, Rate, Share


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Optimisation: AdamW with linear decay to zero."""

    objective: Literal["targets", "distill"] = "targets"
    """What is learnt: "targets" the texts of the training pairs; "distill" what the frozen model itself predicts at
    their positions with an instruction or examples in its context (distill.text, distill.file, distill.examples): the
    Kullback-Leibler divergence from that teacher is the loss, as in Cartridges (Eyuboglu et al. 2025)."""
    epochs: Count
    """Passes over the training pairs."""
    max_steps: Count | None = None
    """Stop after so many optimiser steps, if that is before the last epoch ends; the decay ends there too."""
    lr: Rate
    """Learning rate at the end of the warm-up."""
    batch_size: Count
    """Training pairs in one batch."""
    accumulate: Count = 1
    """Batches whose gradients are averaged for one optimiser step."""
    weight_decay: Annotated[float, Range(0, limit=1e3)] = 0.0
    """Decoupled weight decay of AdamW; 0 in the paper's code."""
    warmup_steps: CountOrZero = 0
    """Steps in which the learning rate grows from zero; 0 in the paper for full data, 100 for low data."""
    clip_norm: Annotated[float, Range(0, above=True, limit=1e18)] = 1.0
    """Largest norm of the gradient; larger ones are scaled down to it."""
    loss_mode: Literal["sentence_sum", "token_mean"]
    """"sentence_sum": sum over a target's tokens, mean over the batch (the paper's code); "token_mean": mean over all
    target tokens of the batch."""
    targets_per_row: Count
    """Most targets of one input that are put behind a single copy of it, hidden from each other: the gradients of
    separate pairs with fewer tokens. 1 is the paper's; more changes which pairs share a batch."""
    eval_examples: CountOrZero
    """Development pairs whose loss is measured; 0 measures none. They come from the task's development corpus, except
    where that is what is scored (eval_split=dev): then from the training pairs that were not chosen, so that nothing
    that is decided by this loss has seen a scored input."""
    dev_share: Share | None = None
    """Size of the development part as a share of the training pairs that are used, rounded down, instead of
    train.eval_examples: 0.3 in the paper's low-data protocol (section 6.3). It is drawn with subsample_seed, so that
    each of the five subsamples has a part of its own. Where it is not set, train.eval_examples counts."""
    eval_every: Count | None = None
    """Optimiser steps between two measurements of the development loss; none means once an epoch."""
    keep: Literal["last", "best"] = "last"
    """Which state is used after training: the last, or the one with the lowest development loss (the paper's low-data
    runs)."""
    patience: CountOrZero | None = None
    """Stop when the development loss has not improved for more than so many measurements; none never stops early."""
    diverged_factor: Annotated[float, Range(1, above=True, limit=1e6)] | None = field(default=2.5, metadata=NO_NUMBER)
    """A run whose training loss has risen to more than so many times its start (a start below 1 nat counts as 1) has
    diverged: it stops, keeps the checkpoint of the lowest development loss, and says which learning rate to try. None
    never stops a run for that."""
    diverged_steps: Count = field(default=20, metadata=NO_NUMBER)
    """Over how many steps the mean of that loss is taken, so that a run that recovers from some bad steps goes on. At
    the end of a shorter training it is the mean of all steps but the first."""
    lm_dropout: bool = False
    """Keep the language model's own dropout on while training. In the paper's code it is off for GPT-2 with a prefix
    and on for the other methods and for BART."""
    gradient_checkpointing: bool = field(default=False, metadata=NO_NUMBER)
    """Keep only the inputs of the model's blocks for the gradients and compute the rest again: less memory, about a
    third more time, the same numbers."""
    checkpoint_every: Count = field(metadata=NO_NUMBER)
    """Optimiser steps between two checkpoints."""
    label_smoothing: Annotated[float, Range(0, 0.99)] = 0.0
    """Share of the target distribution that is spread evenly over the vocabulary while training; 0 in the paper, 0.1 in
    LoRA's. The development loss has none."""
    adam_beta1: Annotated[float, Range(0, 0.9999)] = 0.9
    """Decay of AdamW's running mean of the gradient."""
    adam_beta2: Annotated[float, Range(0, 0.999999)] = 0.999
    """Decay of AdamW's running mean of the squared gradient."""
    adam_eps: Annotated[float, Range(0, above=True, limit=1e18)] = 1e-8
    """Added to AdamW's denominator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillConfig:
    """What the teacher of train.objective=distill has in its context: an instruction, then examples."""

    text: str | None = field(default=None, metadata=NO_NUMBER)
    """The instruction, in front of the examples and the input."""
    file: str | None = field(default=None, metadata=PLACE)
    """The file in UTF-8 that holds the instruction instead."""
    examples: CountOrZero = 0
    """Training pairs that are shown to the teacher, chosen with subsample_seed."""
    digest: str | None = None
    """SHA-256 of the instruction, which the program fills in: so its content is part of what a run is, wherever it
    lies."""
