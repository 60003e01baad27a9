"""Discrete prompting: exactly the prompt's tokens in front of the input."""

from dataclasses import replace

import pytest
import torch

from prefixrun.config.compose import compose
from prefixrun.config.schema import Config
from prefixrun.data import Pair
from prefixrun.decoding.generate import generate
from prefixrun.errors import ConfigError
from prefixrun.methods import Method, restore
from prefixrun.methods.prompt import NAME, shown_pairs, tokens
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Row
from prefixrun.models.loading import load
from prefixrun.models.masks import causal_mask
from prefixrun.runs.prepare import load_backbone

PAIRS = tuple(Pair(f"train-{number}", f"train-{number}", f"s{number}", f"t{number}") for number in range(6))


def config(*words: str) -> Config:
    return compose(["model=tiny_gpt2", "method=prompt", *words])


def test_instruction_and_examples_as_in_training(backbone: Backbone) -> None:
    read = backbone.tokenizer
    asked = config("method.instruction=Do", "method.shots=1")
    (pair,) = shown_pairs(asked, PAIRS)
    assert tokens(asked, read, PAIRS) == [*read.text(" Do"), *read.source(pair.source), *read.target(pair.target)]
    assert tokens(config(), read, PAIRS) == read.text(" Write one sentence about this restaurant:")


def test_examples_are_chosen_by_the_subsample_seed() -> None:
    first = shown_pairs(config("method.shots=2"), PAIRS)
    assert first == shown_pairs(config("method.shots=2", "seed=9"), PAIRS)
    assert len({shown_pairs(config("method.shots=2", f"subsample_seed={seed}"), PAIRS) for seed in range(5)}) > 1
    assert shown_pairs(config(), PAIRS) == ()


def test_too_many_examples_and_no_text_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"method\.shots=7: there are 6 selected training pairs"):
        shown_pairs(config("method.shots=7"), PAIRS)
    with pytest.raises(ConfigError, match=r"method\.instruction: is not set"):
        config("task.default_words=null")


@torch.no_grad()
def test_it_counts_like_the_tokens_in_front(backbone: Backbone) -> None:
    ids, source = [70, 71, 256, 72], (5, 6, 7, 256)
    method = restore(config(), backbone, {NAME: torch.tensor(ids)})
    assert (method.trained_count, method.stored_count) == (0, 0)
    with method.attach(backbone):
        ours = method.target_states(backbone, method.collate(backbone, [Row(source, ((8, 9, 256),))], "token_mean"))
    whole = [*ids, *source, 8, 9]
    plain = backbone.body(
        input_ids=torch.tensor([whole]),
        position_ids=torch.arange(len(whole))[None],
        attention_mask=causal_mask(len(whole), torch.float32, backbone.head.device),
        use_cache=False,
    ).last_hidden_state[0, -3:]
    torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_a_begin_token_stands_in_front_of_the_prompt_alone(backbone: Backbone) -> None:
    begin = replace(backbone, tokenizer=replace(backbone.tokenizer, first=(9,)))
    asked = config("method.instruction=Do", "method.shots=1")
    read = begin.tokenizer
    ids = tokens(asked, read, PAIRS)
    assert ids == [9, *tokens(asked, backbone.tokenizer, PAIRS)]
    method, plain = (restore(asked, each, {NAME: torch.tensor(ids)}) for each in (begin, backbone))
    target, source = tuple(read.target("t")), tuple(read.source("s"))
    assert source[0] == 9
    ours = method.target_states(begin, method.collate(begin, [Row(source, (target,))], "token_mean"))
    without = plain.collate(backbone, [Row(source[1:], (target,))], "token_mean")
    assert torch.equal(ours, plain.target_states(backbone, without))
    assert torch.equal(method.prefill(begin, [source]).hidden, plain.prefill(backbone, [source[1:]]).hidden)


ENCODER_DECODERS = ("tiny_bart", "tiny_t5")


@pytest.mark.parametrize("architecture", ENCODER_DECODERS)
def test_an_encoder_reads_lines(architecture: str) -> None:
    read = load(compose([f"model={architecture}"]).model).tokenizer
    asked = config(f"model={architecture}", "method.instruction=Do", "method.shots=2")
    first, second = shown_pairs(asked, PAIRS)
    lines = f"Do\n{first.source} -> {first.target}\n{second.source} -> {second.target}\n"
    assert tokens(asked, read, PAIRS) == read.text(lines)


@torch.no_grad()
@pytest.mark.parametrize("architecture", ENCODER_DECODERS)
def test_the_encoder_reads_it_as_a_part_of_the_input(architecture: str) -> None:
    """In training and in search: as an empty method reads the same text typed into the input."""
    asked = config(f"model={architecture}", "method.instruction=Do", "decode.max_new_tokens=6")
    backbone = load(asked.model)
    read, empty = backbone.tokenizer, Method()
    method = restore(asked, backbone, {NAME: torch.tensor(tokens(asked, read, PAIRS))})
    assert (method.trained_count, method.stored_count, method.trained_tensors()) == (0, 0, {})
    targets = (tuple(read.target("ab")),)
    ours = method.collate(backbone, [Row(tuple(read.source("xyz")), targets)], "token_mean")
    typed = empty.collate(backbone, [Row(tuple(read.source("Do\nxyz")), targets)], "token_mean")
    assert torch.equal(method.target_states(backbone, ours), empty.target_states(backbone, typed))
    found = generate(backbone, method, [read.source(text) for text in ("xyz", "x")], asked.decode)
    assert found == generate(backbone, empty, [read.source(f"Do\n{text}") for text in ("xyz", "x")], asked.decode)
    assert found != generate(backbone, empty, [read.source(text) for text in ("xyz", "x")], asked.decode)


@torch.no_grad()
def test_in_a_chat_the_instruction_is_in_every_users_turn() -> None:
    chat = ("model.layout=chat", "method.instruction=Do")
    read = load_backbone(config(*chat)).tokenizer
    assert "user: Do\ns" in read.base.decode(read.source("s"))
    (pair,) = shown_pairs(config(*chat, "method.shots=1"), PAIRS)
    assert tokens(config(*chat, "method.shots=1"), read, PAIRS) == [
        *read.source(pair.source),
        *read.target(pair.target),
    ]
    assert tokens(config(*chat), read, PAIRS) == []


@torch.no_grad()
def test_no_prompt_is_the_model_as_it_is(backbone: Backbone) -> None:
    method, prompts = restore(config(), backbone, {NAME: torch.tensor([], dtype=torch.long)}), [(5, 6, 7), (8,)]
    decode = config("decode.max_new_tokens=5").decode
    with method.attach(backbone):
        ours = generate(backbone, method, prompts, decode)
    assert ours == generate(backbone, Method(), prompts, decode)
