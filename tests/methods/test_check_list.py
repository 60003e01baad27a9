"""What holds for every method on every model that can have it: one list, each case trained once.

Every method with four families and every family with a prefix; the whole product is slow.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

import tiny_families
from prefixrun import methods
from prefixrun.config.compose import compose
from prefixrun.config.schema import Config, DecodeConfig, TrainConfig
from prefixrun.data import Pair
from prefixrun.decoding.generate import generate
from prefixrun.errors import ConfigError, DamagedStateError
from prefixrun.methods import Method, peft_format, prompt
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.models.attention import attach_prefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import PairIds, Row
from prefixrun.models.beam_cache import BeamCache
from prefixrun.models.loading import load
from prefixrun.models.prepacked import prepacked_weights
from prefixrun.training.batch_loss import mean_nll
from prefixrun.training.checkpoint import Checkpoints
from prefixrun.training.interrupts import Pending
from prefixrun.training.loss import target_nll
from prefixrun.training.progress import Progress
from prefixrun.training.trainer import Trainer
from training_settings import PLAIN

LENGTH, MID, BOTTLENECK, RANK = 6, 16, 24, 8
D, INNER = 32, 64
"""Widths of all tiny models; GPT-2's feed-forward layers have four times D instead of INNER."""


@dataclass(frozen=True)
class Entry:
    """How a method is called and trained, and the loss that it then stays below.

    An even guess over the vocabulary loses 5.55 nats a token. Embeddings have one layer of a random model to work with.
    """

    words: tuple[str, ...]
    lr: float = 0.0
    bound: float = 0.0


METHODS = {
    "prefix": Entry(("method=prefix", f"method.mid_dim={MID}"), 0.075, 2.3),
    "prefix_flat": Entry(("method=prefix_flat",), 0.3, 2.3),
    "prefix_gated": Entry(("method=prefix_gated",), 0.3, 2.3),
    "prefix_plus": Entry(("method=prefix_plus",), 0.3, 2.3),
    "prefix_plus_unrotated": Entry(("method=prefix_plus", "method.query=unrotated"), 0.3, 2.3),
    "embedding": Entry(("method=embedding", f"method.mid_dim={MID}"), 0.075, 3.8),
    "infix": Entry(("method=infix", f"method.mid_dim={MID}"), 0.075, 2.2),
    "finetune": Entry(("method=finetune",), 0.01, 0.5),
    "finetune_top": Entry(("method=finetune_top", "method.layers=1"), 0.03, 1.3),
    "adapter": Entry(("method=adapter", f"method.bottleneck={BOTTLENECK}"), 0.03, 2.1),
    "houlsby": Entry(("method=adapter", f"method.bottleneck={BOTTLENECK}", "method.adapter_form=houlsby"), 0.03, 2.1),
    "lora": Entry(("method=lora", f"method.rank={RANK}"), 0.03, 2.0),
    "prompt": Entry(("method=prompt", "method.instruction=Say it", "method.shots=1")),
}


@dataclass(frozen=True)
class Shape:
    """What the counts of a model depend on."""

    sites: int
    layers: int
    kv: int
    """Width of keys and of values."""
    blocks: int
    sub_layers: int
    updated: int
    """Inputs and outputs of all projections to queries and values."""
    heads: int
    """Query heads."""
    top: int
    """Numbers of the top block, and of the norm behind it where there is one."""
    total: int


MODELS = {
    "tiny_gpt2": Shape(1, 2, 32, 2, 4, 2 * 4 * D, 4, 12 * D * D + 13 * D + 2 * D, 66_496),
    "tiny_llama": Shape(1, 3, 16, 3, 6, 3 * (3 * D + 16), 4, 2 * D * D + 2 * D * 16 + 3 * D * INNER + 3 * D, 36_128),
    "tiny_bart": Shape(3, 2, 32, 4, 10, 6 * 4 * D, 4, 8 * D * (D + 1) + 2 * D * INNER + INNER + D + 6 * D, 116_832),
    "tiny_t5": Shape(3, 2, 48, 4, 10, 6 * 2 * (D + 48), 6, 8 * D * 48 + 2 * D * INNER + 4 * D, 61_984),
}
FAMILIES = [
    family
    for family in tiny_families.FAMILIES
    if f"tiny_{family}" not in MODELS and family not in tiny_families.EXPERTS
]
DECODER_ONLY = ("embedding", "infix")
JOINT_PROJECTIONS = ("gpt_neox", "phi3", "gpt_bigcode")
"""Families without projections to queries and values alone."""


def has_method(method: str, model: str) -> bool:
    return method not in DECODER_ONLY or model in ("tiny_gpt2", "tiny_llama", *tiny_families.DECODER_ONLY)


def params(names: list[str]) -> list[Any]:
    """The methods of these names on every model; on other families than the four all but the prefix is slow."""
    cases = [(method, model) for model in MODELS for method in names if has_method(method, model)]
    others = [
        pytest.param(method, family, marks=[] if method == "prefix" else pytest.mark.slow)
        for family in FAMILIES
        for method in names
        if has_method(method, family)
    ]
    return [*cases, *others]


every_case = pytest.mark.parametrize(("name", "model"), params(list(METHODS)))
every_trained_case = pytest.mark.parametrize(
    ("name", "model"), params([method for method in METHODS if method != "prompt"])
)

DECODE = DecodeConfig(name="test", beams=3, max_new_tokens=7, length_norm="generated", ban_newlines=False, batch_size=5)
STEP = replace(PLAIN, epochs=40, lr=0.0, batch_size=8)


class Stopped(Exception):
    """A kill, as far as the loop can tell."""


@dataclass(frozen=True)
class Case:
    """A method on a model, ready for use, and how it came to be."""

    config: Config
    backbone: Backbone
    method: Method
    start: Mapping[str, Tensor]
    """Its parameters before training."""
    moved: Mapping[str, Tensor]
    """After it."""
    kept: Mapping[str, Tensor]
    losses: tuple[float, float]
    model_before: Mapping[str, Tensor]


@cache
def backbone_of(model: str) -> Backbone:
    return load(compose([f"model={model}"]).model) if model in MODELS else tiny_families.backbone_of(model)


@cache
def config_of(name: str, model: str) -> Config:
    words = [*METHODS[name].words, "model=tiny_gpt2", f"prefix_len={LENGTH}", "init=random"]
    if name == "lora" and model in JOINT_PROJECTIONS:
        words.append("method.lora_modules=attention")
    return compose(words)


def parameters(module: torch.nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def pairs_of(backbone: Backbone) -> list[PairIds]:
    text = backbone.tokenizer
    return [PairIds(tuple(text.source(f"name {n}")), tuple(text.target(f"{n * 37 % 11} is"))) for n in range(8)]


def rows_of(backbone: Backbone) -> list[Row]:
    return [Row(pair.source, (pair.target,)) for pair in pairs_of(backbone)]


@cache
def case(name: str, model: str) -> Case:
    config, backbone = config_of(name, model), backbone_of(model)
    before = {key: tensor.clone() for key, tensor in backbone.model.state_dict().items()}
    if name == "prompt":
        shown = [Pair("0", "0", "name 9", "9 is")]
        kept = {prompt.NAME: torch.tensor(prompt.tokens(config, backbone.tokenizer, shown))}
        return Case(config, backbone, methods.restore(config, backbone, kept), {}, {}, kept, (0, 0), before)
    method = methods.build(config, backbone)
    method.initialize(backbone, config)
    start, pairs = parameters(method), pairs_of(backbone)
    loss = mean_nll(method, backbone, pairs)
    with TemporaryDirectory() as directory:
        settings = replace(STEP, lr=METHODS[name].lr, epochs=STEP.epochs if model in MODELS else 20)
        _, kept = trained(method, backbone, settings, Path(directory))
    losses = loss, mean_nll(method, backbone, pairs)
    return Case(config, backbone, method, start, parameters(method), kept, losses, before)


def trained(
    method: Method, backbone: Backbone, config: TrainConfig, directory: Path, stop: int = 0
) -> tuple[Progress, dict[str, Tensor]]:
    def report(progress: Progress, *_: object) -> None:
        if progress.step == stop:
            raise Stopped

    checkpoints = Checkpoints(directory)
    trainer = Trainer(method, backbone, pairs_of(backbone), [], config, seed=1, checkpoints=checkpoints)
    trained = trainer.fit(report, Pending())
    return trainer.progress, trained


def states(method: Method, backbone: Backbone) -> Tensor:
    with torch.no_grad(), method.attach(backbone):
        return method.target_states(backbone, method.collate(backbone, rows_of(backbone), "token_mean"))


@every_trained_case
def test_the_methods_parameters_move_and_the_models_do_not(name: str, model: str) -> None:
    it = case(name, model)
    after = it.backbone.model.state_dict()
    assert after.keys() == it.model_before.keys()
    assert all(torch.equal(tensor, it.model_before[key]) for key, tensor in after.items())
    assert not any(
        parameter.requires_grad or parameter.grad is not None for parameter in it.backbone.model.parameters()
    )
    assert it.moved.keys() == it.start.keys()
    assert [key for key, tensor in it.moved.items() if torch.equal(tensor, it.start[key])] == []


def counts(name: str, shape: Shape) -> tuple[int, int]:
    """Numbers that are trained and stored."""
    flat = shape.sites * 2 * shape.layers * shape.kv * LENGTH
    gates = shape.sites * shape.layers * shape.heads
    mlp = shape.sites * (LENGTH * D + (D + 1) * MID + (MID + 1) * 2 * shape.layers * shape.kv)
    adapter = 2 * D * BOTTLENECK + BOTTLENECK + D + 2 * D
    return {
        "prefix": (mlp, flat),
        "prefix_flat": (flat, flat),
        "prefix_gated": (flat + gates, flat + gates),
        "prefix_plus": (flat, flat),
        "prefix_plus_unrotated": (flat, flat),
        "embedding": (LENGTH * D + (D + 1) * MID + (MID + 1) * D, LENGTH * D),
        "infix": (LENGTH * D + mlp, LENGTH * D + flat),
        "finetune": (shape.total, shape.total),
        "finetune_top": (shape.top, shape.top),
        "adapter": (shape.blocks * adapter, shape.blocks * adapter),
        "houlsby": (shape.sub_layers * adapter, shape.sub_layers * adapter),
        "lora": (RANK * shape.updated, RANK * shape.updated),
        "prompt": (0, 0),
    }[name]


@pytest.mark.parametrize(
    ("name", "model"), [(method, model) for model in MODELS for method in METHODS if has_method(method, model)]
)
def test_the_counts(name: str, model: str) -> None:
    it = case(name, model)
    assert sum(parameter.numel() for parameter in it.backbone.model.parameters()) == MODELS[model].total
    assert (it.method.trained_count, it.method.stored_count) == counts(name, MODELS[model])


@every_trained_case
def test_eight_pairs_are_learned(name: str, model: str) -> None:
    before, after = case(name, model).losses
    if model in MODELS:
        assert before > 5
        assert after < METHODS[name].bound
    else:
        assert after < before - 0.2


@pytest.mark.parametrize("length", [1, 40])
@pytest.mark.parametrize("name", [name for name in METHODS if name.startswith("prefix")])
def test_a_prefix_of_any_length_learns_at_its_recipes_rate(name: str, length: int, tmp_path: Path) -> None:
    """Without diverging, which would raise DivergedError."""
    backbone = backbone_of("tiny_llama")
    of_recipe = ("profile=laptop", "data_dir=unread", "init=vocab", "init.fit_steps=50")
    config = compose([*of_recipe, "model=tiny_llama", *METHODS[name].words, f"prefix_len={length}"])
    settings = replace(STEP, lr=config.train.lr, epochs=16, diverged_steps=8, diverged_factor=1.5)
    method = methods.build(config, backbone)
    method.initialize(backbone, config)
    before = mean_nll(method, backbone, pairs_of(backbone))
    trained(method, backbone, settings, tmp_path)
    assert mean_nll(method, backbone, pairs_of(backbone)) < before


@every_trained_case
def test_what_is_stored_is_what_training_ended_with(name: str, model: str, tmp_path: Path) -> None:
    """To the bit, also where an MLP has made it and where it has been on the disk."""
    it = case(name, model)
    assert it.kept.keys() == it.method.trained_tensors().keys()
    assert all(torch.equal(tensor, it.kept[key]) for key, tensor in it.method.trained_tensors().items())
    (tmp_path / "kept").write_bytes(save_tensors({key: tensor.contiguous() for key, tensor in it.kept.items()}))
    restored = methods.restore(it.config, it.backbone, load_tensors((tmp_path / "kept").read_bytes()))
    assert all(torch.equal(tensor, it.kept[key]) for key, tensor in restored.trained_tensors().items())
    assert restored.trained_count == 0
    assert restored.stored_count == it.method.stored_count
    with it.method.attach(it.backbone):
        expected = it.backbone.logits(states(it.method, it.backbone))
    with restored.attach(it.backbone):
        assert torch.equal(it.backbone.logits(states(restored, it.backbone)), expected)


CHECKED = (
    "prefix_gated",
    "prefix_plus",
    "prefix_plus_unrotated",
    "finetune",
    "finetune_top",
    "adapter",
    "houlsby",
    "lora",
)


@pytest.mark.parametrize(("name", "model"), [(name, model) for name in CHECKED for model in MODELS])
def test_what_is_stored_of_another_model_or_size_is_refused(name: str, model: str) -> None:
    it = case(name, model)
    key, tensor = next(iter(it.kept.items()))
    for other in (tensor[None], tensor.double()[..., :-1], tensor.long()):
        kind, shape = str(other.dtype), re.escape(str(tuple(other.shape)))
        fits = re.escape(str(tuple(tensor.shape)))
        with pytest.raises(DamagedStateError, match=rf"{re.escape(key)} is {kind} of {shape}, not {fits} numbers"):
            methods.restore(it.config, it.backbone, {**it.kept, key: other})
    with pytest.raises(DamagedStateError, match=rf"{re.escape(key)} is missing"):
        methods.restore(it.config, it.backbone, {name: other for name, other in it.kept.items() if name != key})


@every_case
def test_outputs_do_not_depend_on_the_batch(name: str, model: str) -> None:
    it = case(name, model)
    prompts = [it.backbone.tokenizer.source(text) for text in ("name 3", "n", "another name 12", "name 0", "x y")]
    with it.method.attach(it.backbone), prepacked_weights(it.backbone.model):
        together = generate(it.backbone, it.method, prompts, DECODE)
        assert generate(it.backbone, it.method, prompts[::-1], DECODE) == together[::-1]
        for size in (1, 2):
            parts = [prompts[start : start + size] for start in range(0, len(prompts), size)]
            assert [out for part in parts for out in generate(it.backbone, it.method, part, DECODE)] == together


@every_case
def test_packed_weights_compute_the_same(name: str, model: str) -> None:
    """In either order, also where the method puts weights of its own in the place of packed ones."""
    it = case(name, model)
    plain = states(it.method, it.backbone)
    batch = it.method.collate(it.backbone, rows_of(it.backbone), "token_mean")
    # As in a run: a search attaches its method where weights are packed.
    with torch.no_grad(), prepacked_weights(it.backbone.model), it.method.attach(it.backbone):
        torch.testing.assert_close(it.method.target_states(it.backbone, batch), plain, rtol=1e-4, atol=1e-4)
    with torch.no_grad(), prepacked_weights(it.backbone.model):
        states(Method(), it.backbone)  # so that the frozen weights are packed
        with it.method.attach(it.backbone):
            torch.testing.assert_close(it.method.target_states(it.backbone, batch), plain, rtol=1e-4, atol=1e-4)


@every_trained_case
def test_the_backbone_gets_everything_back(name: str, model: str) -> None:
    """Also behind an error, and from a method inside another, where the inner one counts."""
    it = case(name, model)
    outer, inner = it.method, methods.build(replace(it.config, seed=9), it.backbone)
    parts = [id(part) for part in (*it.backbone.model.modules(), *it.backbone.model.parameters())]
    plain, by_outer, by_inner = (states(method, it.backbone) for method in (Method(), outer, inner))
    with outer.attach(it.backbone):
        with inner.attach(it.backbone):
            assert torch.equal(states(inner, it.backbone), by_inner)
        with pytest.raises(KeyError), inner.attach(it.backbone):
            raise KeyError
        assert torch.equal(states(outer, it.backbone), by_outer)
    assert not torch.equal(by_outer, by_inner)
    assert torch.equal(states(Method(), it.backbone), plain)
    assert [id(part) for part in (*it.backbone.model.modules(), *it.backbone.model.parameters())] == parts
    assert not any(module._forward_hooks for module in it.backbone.model.modules())


@every_case
def test_token_by_token_it_reads_as_all_at_once(name: str, model: str) -> None:
    """With the cache of a search and in one pass without."""
    it = case(name, model)
    row = rows_of(it.backbone)[3]
    (target,) = row.targets
    with torch.no_grad(), it.method.attach(it.backbone):
        prompted = it.method.prefill(it.backbone, [row.source])
        found, cache = [prompted.hidden[0]], BeamCache(beams=1)
        cache.add(prompted.beam_kv)
        with attach_prefix(it.backbone.model, {"cross": prompted.cross_kv} if prompted.cross_kv else {}):
            for place, token in enumerate(target[:-1]):
                written, position = torch.tensor([[token]]), (prompted.positions + place).unsqueeze(1)
                cache.advance([[0]], position[0].tolist())
                found.append(it.method.decode_step(it.backbone, written, position, cache)[0])
        whole = it.method.target_states(it.backbone, it.method.collate(it.backbone, [row], "token_mean"))
    torch.testing.assert_close(torch.cat(found), whole, rtol=1e-4, atol=1e-4)


@every_trained_case
def test_a_training_that_was_stopped_ends_the_same_to_the_bit(name: str, model: str, tmp_path: Path) -> None:
    """With every dropout on; the method that goes on has started from another seed."""
    config, backbone = config_of(name, model), backbone_of(model)
    if name.startswith("prefix"):
        config = replace(config, method=replace(config.method, prefix_dropout=0.2))
    elif name == "lora":
        config = replace(config, method=replace(config.method, lora_dropout=0.2))
    settings = replace(STEP, epochs=2, batch_size=3, lr=0.01, lm_dropout=True, checkpoint_every=2)
    whole = methods.build(config, backbone)
    progress, expected = trained(whole, backbone, settings, tmp_path / "whole")
    assert progress.step == 6
    with pytest.raises(Stopped):
        trained(methods.build(config, backbone), backbone, settings, tmp_path / "cut", stop=5)
    resumed = methods.build(replace(config, seed=9), backbone)
    again, found = trained(resumed, backbone, settings, tmp_path / "cut")
    assert replace(again, seconds=0.0) == replace(progress, seconds=0.0)
    assert all(torch.equal(tensor, expected[key]) for key, tensor in found.items())
    assert all(torch.equal(tensor, parameters(whole)[key]) for key, tensor in parameters(resumed).items())


@every_trained_case
def test_the_parameters_stay_in_float32_on_a_model_in_half_precision(name: str, model: str) -> None:
    config = config_of(name, model)
    if model in MODELS:
        backbone = load(compose([f"model={model}"]).model, precision="bf16")
    else:
        backbone = tiny_families.backbone_of.__wrapped__(model)
        backbone.model.bfloat16()
    method = methods.build(config, backbone)
    batch = method.collate(backbone, rows_of(backbone), "token_mean")
    with method.attach(backbone):
        states = method.target_states(backbone, batch)
        loss = target_nll(states, backbone.head, batch.labels, batch.factors, backbone.head_bias, cap=backbone.head_cap)
    loss.backward()
    assert states.dtype == torch.bfloat16
    assert {parameter.dtype for parameter in method.parameters()} == {torch.float32}
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in method.parameters())


@pytest.mark.parametrize("model", [*MODELS, *FAMILIES])
def test_a_prefix_leaves_and_comes_back(model: str, tmp_path: Path) -> None:
    """Exported as tensors and read again, it writes the same texts."""
    it = case("prefix", model)
    prompts = [it.backbone.tokenizer.source(text) for text in ("name 3", "n")]
    peft_format.write_tensors(
        tmp_path / "prefix", it.method.key_values(it.backbone), model=model, sha256=it.backbone.files.fingerprint
    )
    back = FixedPrefix(peft_format.read_prefix(tmp_path / "prefix", it.backbone))
    assert generate(it.backbone, back, prompts, DECODE) == generate(it.backbone, it.method, prompts, DECODE)


@pytest.mark.parametrize("model", JOINT_PROJECTIONS)
def test_joint_projections_are_not_split(model: str) -> None:
    config = compose(["method=lora", "method.rank=2", "model=tiny_gpt2"])
    with pytest.raises(
        ConfigError, match=r"has no projections to queries and values alone; give method\.lora_modules="
    ):
        methods.build(config, backbone_of(model))
