"""prefixrun's side, and the setup that both sides start from."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import mean

import torch
from safetensors.torch import load_file
from torch import Tensor

from benchmarks.plan import Plan
from benchmarks.sides import (
    BEAMS,
    LEARNING_RATE,
    LORA_LEARNING_RATE,
    SEED,
    DecodeRound,
    Prompts,
    Setup,
    TrainRound,
    evenly_spaced,
    seconds,
    synchronize,
)
from prefixrun import data, methods
from prefixrun.config.compose import compose
from prefixrun.config.schema import DecodeConfig, InitConfig, TrainConfig
from prefixrun.data import Corpus
from prefixrun.decoding.generate import generate_each
from prefixrun.errors import ConfigError, reading
from prefixrun.methods import Method
from prefixrun.methods.base import PrefixKeyValues
from prefixrun.methods.init import by_site, word_ids
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.methods.prefix_flat import FlatPrefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import PairIds, tokenise
from prefixrun.models.loading import load
from prefixrun.models.prepacked import prepacked_weights
from prefixrun.training.checkpoint import Checkpoints
from prefixrun.training.interrupts import Pending
from prefixrun.training.progress import Progress
from prefixrun.training.trainer import Trainer

PREPARE_BATCH = 8


class Ours:
    """prefixrun with at most `targets_per_row` targets behind one copy of their source.

    method: what is trained, "prefix" or "lora"; decoding is with the prefix.
    """

    def __init__(self, setup: Setup, targets_per_row: int = 1, method: str = "prefix") -> None:
        self.setup = setup
        self.targets_per_row, self.trained = targets_per_row, method
        self.backbone = load_model(setup.plan)
        self.method = FixedPrefix(setup.tensors()).to(self.backbone.head.device)
        self._prepacked = ExitStack()
        self._is_prepacked = False

    def train(self, pairs: int) -> TrainRound:
        """One epoch over the first `pairs` pairs, timed from the call to the end of the last step."""
        chosen, is_lora = self.setup.pairs[:pairs], self.trained == "lora"
        config = train_config(len(chosen), self.setup.plan.train_batch, self.targets_per_row)
        if is_lora:
            config = replace(config, lr=LORA_LEARNING_RATE)
        begin = start_lora if is_lora else start
        return _train(begin(self.setup, self.backbone), self.backbone, chosen, config, self.setup.plan)

    def decode(self, prompts: Prompts, batch_size: int) -> DecodeRound:
        """The prompts as a run decodes them, the longest first: at most `batch_size` at work, others in a queue."""
        config = DecodeConfig(
            name="benchmark",
            beams=BEAMS,
            max_new_tokens=self.setup.plan.max_new_tokens,
            length_norm="generated",
            ban_newlines=False,
            batch_size=batch_size,
        )
        if not self._is_prepacked:  # once, as in a run
            self._prepacked.enter_context(prepacked_weights(self.backbone.model))
            self._is_prepacked = True
        started = seconds(self.setup.plan)
        order = sorted(range(len(prompts)), key=lambda index: -len(prompts[index]))
        in_order = generate_each(self.backbone, self.method, [prompts[index] for index in order], config)
        outputs = {order[number]: texts for number, texts in in_order}
        synchronize(self.setup.plan.device)
        return DecodeRound(
            seconds(self.setup.plan) - started, tuple(tuple(outputs[index][0]) for index in range(len(prompts)))
        )


def prepare(plan: Plan, scratch: str) -> Setup:
    """Load model and data once, and train a prefix far enough that outputs end by themselves.

    `scratch`: a directory that lasts as long as the benchmark, for the weights that the peer reads.

    Raises:
        MissingPartError, ConfigError, DataError: as the run itself would.
    """
    backbone = load_model(plan)
    root = Path(plan.data_dir).expanduser() if plan.data_dir else None
    corpus = data.load("e2e", "train", root)
    prefix = _of_file(plan, backbone) if plan.prefix else _prepared(plan, backbone, corpus)
    chosen = evenly_spaced(data.load("e2e", "test", root).examples, plan.decode_inputs)
    return Setup(
        plan=plan,
        directory=_directory(backbone, scratch),
        prefix={site: tensor.cpu().numpy() for site, tensor in prefix.items()},
        pairs=tuple(_first_pairs(corpus, plan.train_pairs, backbone)),
        prompts=tuple(sorted((tuple(backbone.tokenizer.source(test.source)) for test in chosen), key=len)),
        end=backbone.tokenizer.end,
        threads=torch.get_num_threads(),
    )


def _prepared(plan: Plan, backbone: Backbone, corpus: Corpus) -> PrefixKeyValues:
    """A prefix that starts from words and is trained for some steps."""
    ids = word_ids(backbone, None, compose().init.default_words, plan.prefix_len)
    prefix = FlatPrefix(backbone.shape, backbone.sites, plan.prefix_len).to(backbone.head.device)
    prefix.fit_to(by_site(backbone, ids), InitConfig(name="words"))
    # From all over the corpus: few inputs with all their references would not teach it where outputs end.
    lesson = tokenise(evenly_spaced(corpus.all_pairs(), plan.prepare_steps * PREPARE_BATCH), backbone.tokenizer)
    _train(prefix, backbone, lesson, train_config(len(lesson), PREPARE_BATCH, 1), plan)
    return prefix.trained_tensors()


def _of_file(plan: Plan, backbone: Backbone) -> PrefixKeyValues:
    """The prefix of a finished run. Raises ConfigError where it cannot be read or has another shape."""
    with reading(f"prefix={plan.prefix}", "give the prefix.safetensors of a finished run", ConfigError):
        tensors = load_file(plan.prefix)
    expected = FlatPrefix(backbone.shape, backbone.sites, plan.prefix_len).trained_tensors()
    has, needs = (
        ", ".join(f"{site} {tuple(tensor.shape)}" for site, tensor in sorted(prefix.items()))
        for prefix in (tensors, expected)
    )
    if has != needs:
        raise ConfigError(f"prefix={plan.prefix}: has {has}; a prefix of this plan has {needs}")
    return tensors


def load_model(plan: Plan) -> Backbone:
    """The model, with the threads of the plan. Raises ConfigError for the curve of an encoder-decoder."""
    if plan.threads:
        torch.set_num_threads(plan.threads)
    config = compose([f"model={plan.model}"]).model
    if plan.weights == "random":
        config = replace(config, source="random")
    backbone = load(config, device=plan.device, precision=plan.precision)
    if backbone.is_seq2seq and plan.part == "curve":
        raise ConfigError(f"model={plan.model}: an encoder-decoder; the curve measures decoder-only models")
    return backbone


def _first_pairs(corpus: Corpus, count: int, backbone: Backbone) -> list[PairIds]:
    """The pairs of the first inputs, each with all its references, until there are `count` of them."""
    examples: list[data.Example] = []
    pairs = 0
    for example in corpus.examples:
        if pairs >= count:
            break
        examples.append(example)
        pairs += len(example.references)
    return tokenise(replace(corpus, examples=tuple(examples)).all_pairs(), backbone.tokenizer)


def start(setup: Setup, backbone: Backbone) -> FlatPrefix:
    """The prefix of the setup, to be trained."""
    prefix = FlatPrefix(backbone.shape, backbone.sites, setup.plan.prefix_len)
    prefix.fit_to(setup.tensors(), InitConfig(name="words"))
    return prefix.to(backbone.head.device)


def start_lora(setup: Setup, backbone: Backbone) -> Method:
    """LoRA of the rank of the plan, to be trained."""
    config = compose([f"model={setup.plan.model}", "method=lora", f"method.rank={setup.plan.rank}"])
    torch.manual_seed(SEED)
    return methods.build(config, backbone).to(backbone.head.device)


def train_config(pairs: int, batch_size: int, targets_per_row: int) -> TrainConfig:
    """One epoch over so many pairs, without checkpoints but the last."""
    return TrainConfig(
        epochs=1,
        lr=LEARNING_RATE,
        batch_size=batch_size,
        loss_mode="token_mean",
        targets_per_row=targets_per_row,
        eval_examples=0,
        checkpoint_every=pairs + 1,
    )


def _train(method: Method, backbone: Backbone, pairs: Sequence[PairIds], config: TrainConfig, plan: Plan) -> TrainRound:
    ends, losses = [seconds(plan)], list[float]()

    def report(progress: Progress, steps: int, loss: float) -> None:
        synchronize(backbone.head.device.type)
        ends.append(seconds(plan))
        losses.append(loss)

    with tempfile.TemporaryDirectory() as directory:
        trainer = Trainer(
            method,
            backbone,
            pairs,
            [],
            config,
            seed=SEED,
            checkpoints=Checkpoints(Path(directory)),
        )
        trainer.fit(report, Pending())
    return TrainRound(ends[-1] - ends[0], trainer.progress.step, mean(losses))


def _directory(backbone: Backbone, scratch: str) -> str:
    """Where the peer finds the same weights: they are written out for it, whatever form they were read from."""
    weights: dict[str, Tensor] = backbone.model.state_dict()
    backbone.model.save_pretrained(scratch, state_dict=weights)
    backbone.tokenizer.base.save_pretrained(scratch)  # type: ignore[attr-defined]
    return scratch
