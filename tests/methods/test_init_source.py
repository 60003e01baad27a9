"""A prefix that is initialised from a text is that text in the context."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

import tiny_families
from prefixrun.config.compose import compose
from prefixrun.config.schema import Config
from prefixrun.data import Pair
from prefixrun.errors import ConfigError
from prefixrun.methods import Method, build, init_source
from prefixrun.methods.context import context_ids, text_ids
from prefixrun.methods.init_source import InitSource, chosen_indices, context_source
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Row
from prefixrun.models.masks import causal_mask

PAIRS = tuple(Pair(f"train-{number}", f"train-{number}", f"s{number}", f"t{number}") for number in range(6))
TEXT = "Name and food of a place to eat."
LENGTH = len(TEXT) + 1
"""Tokens of a blank and the text: the tiny models read bytes."""
SOURCE, TARGET = (5, 6, 7, 256), (8, 9, 10, 256)


def config(*words: str) -> Config:
    return compose(["model=tiny_gpt2", "method=prefix_flat", "init.digest=x", *words])


def started(config: Config, backbone: Backbone, start: InitSource | None) -> Method:
    method = build(config, backbone)
    init_source.initialize(method, backbone, config, start)
    return method.eval()


@torch.no_grad()
def logits_of(method: Method, backbone: Backbone) -> Tensor:
    """Of the tokens of a target, as training sees them."""
    with method.attach(backbone):
        batch = method.collate(backbone, [Row(SOURCE, (TARGET,))], "token_mean")
        return backbone.logits(method.target_states(backbone, batch))


@torch.no_grad()
def logits_behind(ids: Sequence[int], backbone: Backbone) -> Tensor:
    """Of the same tokens behind `ids` in one plain sequence."""
    whole = [*ids, *SOURCE, *TARGET[:-1]]
    states = backbone.body(
        input_ids=torch.tensor([whole]),
        position_ids=torch.arange(len(whole))[None],
        attention_mask=causal_mask(len(whole), torch.float32, backbone.head.device),
        use_cache=False,
    ).last_hidden_state
    return backbone.logits(backbone.scaled(states[0, -len(TARGET) :]))


@pytest.mark.parametrize("family", tiny_families.DECODER_ONLY)
def test_a_text_of_the_prefixs_length_is_the_text_in_the_context(family: str) -> None:
    backbone = tiny_families.backbone_of(family)
    asked = config("init=text", f"prefix_len={LENGTH}")
    start = context_source(asked, backbone, TEXT, ())
    ids = text_ids(backbone.tokenizer, TEXT)
    assert start is not None
    assert start.ids == tuple(ids)
    assert start.indices == tuple(range(LENGTH))
    ours = logits_of(started(asked, backbone, start), backbone)
    torch.testing.assert_close(ours, logits_behind(ids, backbone), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(ours, logits_behind((), backbone), atol=1e-2)


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_the_first_positions_are_the_begin_of_the_text(family: str) -> None:
    backbone = tiny_families.backbone_of(family)
    asked = config("init=text", "init.positions=first", "prefix_len=7")
    ours = logits_of(started(asked, backbone, context_source(asked, backbone, TEXT, ())), backbone)
    torch.testing.assert_close(ours, logits_behind(text_ids(backbone.tokenizer, TEXT)[:7], backbone))


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_all_positions_of_examples_are_the_examples_in_the_context(family: str) -> None:
    backbone = tiny_families.backbone_of(family)
    shown = [PAIRS[number] for number in (2, 3)]
    ids = context_ids(backbone.tokenizer, None, shown)
    asked = config("init=examples", "init.examples=2", f"prefix_len={len(ids)}", "subsample_seed=3")
    start = context_source(asked, backbone, None, shown)
    assert start is not None
    assert start.examples == ("train-2", "train-3")
    assert start.description() == {"tokens": len(ids), "positions": len(ids), "examples": ["train-2", "train-3"]}
    ours = logits_of(started(asked, backbone, start), backbone)
    torch.testing.assert_close(ours, logits_behind(ids, backbone))


def test_examples_are_chosen_by_the_subsample_seed(backbone: Backbone) -> None:
    def chosen(seed: int) -> tuple[str, ...]:
        start = context_source(
            config("init=examples", "init.examples=2", f"subsample_seed={seed}"), backbone, None, PAIRS
        )
        assert start is not None
        return start.examples

    assert len({chosen(seed) for seed in range(6)}) > 1


@pytest.mark.parametrize(
    ("positions", "expected"),
    [("first", (0, 1, 2, 3)), ("last", (6, 7, 8, 9)), ("even", (0, 2, 5, 7))],
)
def test_positions_of_a_longer_text(positions: str, expected: tuple[int, ...]) -> None:
    assert chosen_indices(10, 4, positions) == expected
    assert chosen_indices(4, 4, positions) == (0, 1, 2, 3)


@pytest.mark.parametrize("family", ["gpt2", "llama", "t5", "bart"])
@pytest.mark.parametrize("method", ["prefix", "prefix_flat"])
def test_every_method_with_keys_and_values_moves_to_them(method: str, family: str) -> None:
    backbone = tiny_families.backbone_of(family)
    asked = config(f"method={method}", "init=text", "prefix_len=5", "init.fit_lr=0.01", "init.fit_steps=300")
    start = context_source(asked, backbone, TEXT, ())
    assert start is not None
    target = start.key_values(backbone)
    tensors = started(asked, backbone, start).trained_tensors()
    assert set(tensors) == set(backbone.sites)
    for site, tensor in tensors.items():
        error = (tensor - target[site]).square().mean()
        assert error == 0 if method == "prefix_flat" else error < 0.2 * target[site].square().mean()


def test_layers_with_a_prefix_take_theirs(backbone: Backbone) -> None:
    asked = config("init=text", "prefix_len=5", "method.layers=1-1")
    start = context_source(asked, backbone, TEXT, ())
    assert start is not None
    tensors = started(asked, backbone, start).trained_tensors()
    assert torch.equal(tensors["decoder"], start.key_values(backbone)["decoder"][1:2])


def test_another_runs_prefix_is_taken_as_it_is(backbone: Backbone) -> None:
    shape = backbone.shape
    trained = {"decoder": torch.randn(shape.layers, 2, shape.kv_heads, 3, shape.head_dim)}
    start = InitSource(trained=trained, run="0123456789ab")
    method = started(config("init=run", "prefix_len=3"), backbone, start)
    assert torch.equal(method.trained_tensors()["decoder"], trained["decoder"])
    assert start.description() == {"run": "0123456789ab"}


def test_other_starts_and_methods_have_none(backbone: Backbone) -> None:
    assert context_source(config("init=words"), backbone, None, PAIRS) is None
    assert context_source(config("method=lora", "method.rank=1"), backbone, None, PAIRS) is None


@pytest.mark.parametrize(
    ("words", "text", "message"),
    [
        (
            ("init=text", "prefix_len=6"),
            "abc",
            r"^init\.text=None: 4 tokens for this model, and prefix_len=6; give a longer text, a shorter prefix, or "
            "leave prefix_len out$",
        ),
        (
            ("init=text", "init.file=notes.txt", "prefix_len=6"),
            "abc " * 300,
            r"^init\.file=notes\.txt: 1,200 tokens, and tiny_gpt2 reads at most 1,024; give a shorter one$",
        ),
        (("init=examples", "init.examples=7"), None, r"^init\.examples=7: there are 6 selected training pairs"),
        (
            ("init=examples", "init.examples=1", "prefix_len=40"),
            None,
            r"^init\.examples=1: 10 tokens for this model, and prefix_len=40; .* or more examples$",
        ),
    ],
)
def test_what_no_prefix_can_start_from_is_refused(words: tuple[str, ...], text: str | None, message: str) -> None:
    backbone = load_tiny()
    with pytest.raises(ConfigError, match=message):
        context_source(config(*words), backbone, text, PAIRS)


def load_tiny() -> Backbone:
    from prefixrun.config.schema import ModelConfig
    from prefixrun.models.loading import load

    return load(ModelConfig(name="tiny_gpt2", source="random", architecture="tiny_gpt2"))
