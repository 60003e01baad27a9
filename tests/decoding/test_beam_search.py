"""Decoding against searches written out naively, and against the library's own, with the prefix in its cache."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache

from few_tokens import END, few_tokens, few_tokens_backbone
from prefixrun.config.schema import DecodeConfig, ModelConfig
from prefixrun.decoding.candidates import Candidates, top_candidates
from prefixrun.decoding.generate import generate, generate_all
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.models.attention import attach_prefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.loading import load
from prefixrun.models.masks import causal_mask
from prefixrun.models.prefix_kv import shared_prefix_kv
from prefixrun.models.transformers_names import CACHE
from tiny_methods import drawn

PREFIX_LEN = 3
NEWLINE = 7
GREEDY = DecodeConfig(
    name="test", beams=1, max_new_tokens=8, length_norm="generated", ban_newlines=False, batch_size=16
)
BEAM = replace(GREEDY, beams=5)
PROMPTS = ([3], [1, 2, 3, 4, 5, END], [5, 5, END], [9, 8, 10, 6, 2, 11, 4, 1, END], [2, END], [6, 3, 1, END], [11] * 7)

Next = Callable[[tuple[int, ...]], list[float]]
"""Log-probabilities of the next token behind prefix and prompt and these ids."""


@pytest.fixture(params=["tiny_gpt2", "tiny_llama"])
def architecture(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def backbone(architecture: str) -> Backbone:
    return few_tokens_backbone(architecture, NEWLINE)


def uncached(backbone: Backbone, key_values: Tensor, prompt: Sequence[int]) -> Next:
    """A full forward pass for every question, over prompt and output so far."""

    @cache
    def log_probabilities(written: tuple[int, ...]) -> list[float]:
        ids = torch.tensor([[*prompt, *written]])
        positions = torch.arange(PREFIX_LEN, PREFIX_LEN + ids.shape[1])[None]
        mask = causal_mask(ids.shape[1], torch.float32, ids.device)
        with attach_prefix(backbone.model, shared_prefix_kv({"decoder": key_values}, torch.float32)):
            logits = backbone.model(input_ids=ids, position_ids=positions, attention_mask=mask, use_cache=False).logits
        return logits[0, -1].log_softmax(0).tolist()

    return log_probabilities


def greedy(ask: Next, config: DecodeConfig, banned: Sequence[int] = ()) -> list[int]:
    written: list[int] = []
    while len(written) < config.max_new_tokens:
        scores = [-1e9 if token in banned else score for token, score in enumerate(ask(tuple(written)))]
        best = scores.index(max(scores))
        if best == END:
            break
        written.append(best)
    return written


def beam_search_of_transformers_3(
    ask: Next, prompt_len: int, config: DecodeConfig, banned: Sequence[int] = ()
) -> list[int]:
    """The scorer of the paper's version, one prompt: lengths count the prompt, an end token is not counted."""
    beams: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    finished: list[tuple[float, tuple[int, ...]]] = []

    def finish(total: float, ids: tuple[int, ...]) -> None:
        finished.append((total / (prompt_len + len(ids)) ** config.length_penalty, ids))
        finished.sort(key=lambda hypothesis: hypothesis[0], reverse=True)
        del finished[config.beams :]

    for step in range(config.max_new_tokens):
        extended = [
            (total + score, (*ids, token))
            for total, ids in beams
            for token, score in enumerate(ask(ids))
            if token not in banned
        ]
        candidates = sorted(extended, key=lambda candidate: candidate[0], reverse=True)[: 2 * config.beams]
        beams = []
        for rank, (total, ids) in enumerate(candidates):
            if ids[-1] != END:
                beams.append((total, ids))
            elif rank < config.beams:
                finish(total, ids[:-1])
            if len(beams) == config.beams:
                break
        best = candidates[0][0] / max(prompt_len + step, 1) ** config.length_penalty
        if len(finished) == config.beams and finished[-1][0] >= best:
            return list(finished[0][1])
    for total, ids in beams:
        finish(total, ids)
    return list(finished[0][1])


def of_the_library(architecture: str, key_values: Tensor, prompt: Sequence[int], **settings: Any) -> list[int]:
    """The best output by all_of_the_library."""
    return all_of_the_library(architecture, key_values, prompt, **settings)[0]


def all_of_the_library(
    architecture: str, key_values: Tensor, prompt: Sequence[int], **settings: Any
) -> list[list[int]]:
    """`model.generate` of an untouched model. The prefix lies in its cache, with as many ids that are never read."""
    model = few_tokens(architecture)
    rows = settings.get("num_beams", 1)
    past = DynamicCache(config=model.config)
    for index, (keys, values) in enumerate(key_values):
        past.update(keys.expand(rows, -1, -1, -1).clone(), values.expand(rows, -1, -1, -1).clone(), index)
    ids = torch.tensor([[1] * PREFIX_LEN + list(prompt)])
    output = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        **{CACHE: past},
        do_sample=False,
        eos_token_id=END,
        pad_token_id=END,
        **settings,
    )
    outputs: list[list[int]] = output[:, ids.shape[1] :].tolist()
    return [written[: written.index(END)] if END in written else written for written in outputs]


def test_greedy_is_the_naive_one_and_the_librarys(architecture: str, backbone: Backbone) -> None:
    outputs = {}
    for seed in range(3):
        key_values = drawn(backbone, PREFIX_LEN, seed)["decoder"]
        for prompt, output in zip(
            PROMPTS, generate(backbone, FixedPrefix({"decoder": key_values}), PROMPTS, GREEDY), strict=True
        ):
            assert output == greedy(uncached(backbone, key_values, prompt), GREEDY)
            assert output == of_the_library(architecture, key_values, prompt, num_beams=1, max_new_tokens=8)
            outputs[seed, tuple(prompt)] = output
    assert {len(output) for output in outputs.values()} > {8}, "some end by themselves, some at the limit"


@pytest.mark.parametrize("beams", [2, 3, 5])
def test_beams_by_total_length_are_those_of_the_papers_version(backbone: Backbone, beams: int) -> None:
    outputs = {}
    for seed in range(2):
        key_values = drawn(backbone, PREFIX_LEN, seed)["decoder"]
        asks = [uncached(backbone, key_values, prompt) for prompt in PROMPTS]
        for limit, penalty in product((1, 2, 3, 5, 9), (0.0, 0.8, 1.0, 2.0)):
            config = replace(BEAM, beams=beams, max_new_tokens=limit, length_penalty=penalty, length_norm="total")
            outputs[seed, limit, penalty] = generate(backbone, FixedPrefix({"decoder": key_values}), PROMPTS, config)
            for prompt, ask, output in zip(PROMPTS, asks, outputs[seed, limit, penalty], strict=True):
                assert output == beam_search_of_transformers_3(ask, len(prompt), config), (seed, prompt, limit, penalty)
    assert outputs[0, 9, 0.0] != outputs[0, 9, 2.0], "the penalty matters"


@pytest.mark.parametrize("beams", [2, 5])
def test_beams_by_generated_length_are_those_of_the_library(architecture: str, backbone: Backbone, beams: int) -> None:
    key_values = drawn(backbone, PREFIX_LEN)["decoder"]
    for limit, penalty in product((1, 4, 9), (0.0, 1.0, 3.0)):
        config = replace(BEAM, beams=beams, max_new_tokens=limit, length_penalty=penalty)
        settings = {"num_beams": beams, "max_new_tokens": limit, "length_penalty": penalty, "early_stopping": False}
        outputs = generate(backbone, FixedPrefix({"decoder": key_values}), PROMPTS, config)
        for prompt, output in zip(PROMPTS, outputs, strict=True):
            assert output == of_the_library(architecture, key_values, prompt, **settings), (prompt, limit, penalty)


def test_several_outputs_are_the_librarys_best_hypotheses(architecture: str, backbone: Backbone) -> None:
    method = FixedPrefix(drawn(backbone, PREFIX_LEN))
    settings = {"num_beams": 5, "num_return_sequences": 3, "max_new_tokens": 8, "early_stopping": False}
    outputs = generate_all(backbone, method, PROMPTS, replace(BEAM, outputs=3))
    for prompt, texts in zip(PROMPTS, outputs, strict=True):
        assert texts == all_of_the_library(architecture, drawn(backbone, PREFIX_LEN)["decoder"], prompt, **settings)
    assert [texts[0] for texts in outputs] == generate(backbone, method, PROMPTS, BEAM)


@pytest.mark.parametrize("beams", [1, 4])
@pytest.mark.parametrize("penalty", [0.7, 3.0])
def test_penalised_repetitions_are_the_librarys(
    architecture: str, backbone: Backbone, beams: int, penalty: float
) -> None:
    """The library penalises the ids that stand for the prefix too: prompts that have this id anyway."""
    method, prompts = FixedPrefix(drawn(backbone, PREFIX_LEN)), [prompt for prompt in PROMPTS if 1 in prompt]
    config = replace(BEAM, beams=beams, repetition_penalty=penalty)
    settings = {"num_beams": beams, "max_new_tokens": 8, "early_stopping": False, "repetition_penalty": penalty}
    outputs = generate(backbone, method, prompts, config)
    assert outputs == [
        of_the_library(architecture, drawn(backbone, PREFIX_LEN)["decoder"], prompt, **settings) for prompt in prompts
    ]
    assert outputs != generate(backbone, method, prompts, replace(config, repetition_penalty=1.0))


def test_the_two_length_norms_differ(backbone: Backbone) -> None:
    key_values = drawn(backbone, PREFIX_LEN)["decoder"]
    by_norm = [
        generate(
            backbone, FixedPrefix({"decoder": key_values}), PROMPTS, replace(BEAM, length_norm=norm, max_new_tokens=12)
        )
        for norm in ("total", "generated")
    ]
    assert by_norm[0] != by_norm[1]


@pytest.mark.parametrize("config", [GREEDY, BEAM, replace(BEAM, length_norm="total")])
def test_batch_and_order_of_the_prompts_change_no_output(backbone: Backbone, config: DecodeConfig) -> None:
    key_values = drawn(backbone, PREFIX_LEN)["decoder"]
    together = generate(backbone, FixedPrefix({"decoder": key_values}), PROMPTS, config)
    for size in (1, 3):
        parts = [PROMPTS[start : start + size] for start in range(0, len(PROMPTS), size)]
        assert [
            output
            for part in parts
            for output in generate(backbone, FixedPrefix({"decoder": key_values}), part, config)
        ] == together
    assert generate(backbone, FixedPrefix({"decoder": key_values}), PROMPTS[::-1], config) == together[::-1]


@pytest.mark.parametrize("beams", [1, 5])
def test_newlines_are_banned_and_keep_their_probability(architecture: str, backbone: Backbone, beams: int) -> None:
    key_values = drawn(backbone, PREFIX_LEN)["decoder"]
    banned = [NEWLINE, NEWLINE + 1]
    config = replace(BEAM, beams=beams, ban_newlines=True)
    free = generate(backbone, FixedPrefix({"decoder": key_values}), PROMPTS, replace(config, ban_newlines=False))
    outputs = generate(backbone, FixedPrefix({"decoder": key_values}), PROMPTS, config)
    assert any(token in output for output in free for token in banned)
    assert not any(token in output for output in outputs for token in banned)
    settings = {"num_beams": beams, "max_new_tokens": 8, "early_stopping": False, "suppress_tokens": banned}
    assert outputs == [of_the_library(architecture, key_values, prompt, **settings) for prompt in PROMPTS]
    total = replace(config, length_norm="total")
    if beams > 1:
        assert generate(backbone, FixedPrefix({"decoder": key_values}), PROMPTS, total) == [
            beam_search_of_transformers_3(uncached(backbone, key_values, prompt), len(prompt), total, banned)
            for prompt in PROMPTS
        ]


def test_the_first_generated_position_is_a_plain_forward_pass_with_the_prefix(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the search sees at its first step, for prompts padded in one batch, and what it computes after it."""
    key_values = drawn(backbone, PREFIX_LEN)["decoder"]
    seen: list[Tensor] = []

    def watch(hidden: Tensor, head: Callable[[Tensor], Tensor], *others: Any) -> Candidates:
        seen.append(head(hidden).log_softmax(-1))
        return top_candidates(hidden, head, *others)

    monkeypatch.setattr("prefixrun.decoding.beam_search.top_candidates", watch)
    generate(backbone, FixedPrefix({"decoder": key_values}), PROMPTS, replace(GREEDY, max_new_tokens=2))
    asks = [uncached(backbone, key_values, prompt) for prompt in PROMPTS]
    torch.testing.assert_close(seen[0][:, 0], torch.tensor([ask(()) for ask in asks]), rtol=0, atol=1e-4)
    firsts = [greedy(ask, replace(GREEDY, max_new_tokens=1)) for ask in asks]
    going_on = [(ask, tuple(first)) for ask, first in zip(asks, firsts, strict=True) if first]
    torch.testing.assert_close(seen[1][:, 0], torch.tensor([ask(first) for ask, first in going_on]), rtol=0, atol=1e-4)


def test_zeroed_and_random_prefixes_write_different_texts(backbone: Backbone) -> None:
    key_values = drawn(backbone, PREFIX_LEN)["decoder"]
    asks = [uncached(backbone, prefix, PROMPTS[1]) for prefix in (key_values, torch.zeros_like(key_values))]
    assert asks[0](()) != pytest.approx(asks[1](()), abs=1e-2)
    outputs = [
        generate(backbone, FixedPrefix({"decoder": prefix}), PROMPTS, BEAM)
        for prefix in (key_values, torch.zeros_like(key_values))
    ]
    assert outputs[0] != outputs[1]


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("limit", [1, 4])
def test_the_limit_is_kept(backbone: Backbone, beams: int, limit: int) -> None:
    outputs = generate(
        backbone,
        FixedPrefix(drawn(backbone, PREFIX_LEN)),
        PROMPTS,
        replace(BEAM, beams=beams, max_new_tokens=limit),
    )
    assert max(map(len, outputs)) == limit
    assert not any(END in output for output in outputs)


@pytest.mark.parametrize("name", ["tiny_gpt2", "tiny_llama"])
def test_a_whole_vocabulary_of_bytes(name: str) -> None:
    """The model and the tokenizer as they are loaded for a run."""
    backbone = load(ModelConfig(name=name, source="random", architecture=name))  # type: ignore[arg-type]
    key_values = drawn(backbone, PREFIX_LEN)["decoder"]
    prompts = [backbone.tokenizer.source(text) for text in ("name : Aromi", "a", "name : The Eagle | near : river")]
    config = replace(BEAM, ban_newlines=True)
    outputs = generate(backbone, FixedPrefix({"decoder": key_values}), prompts, config)
    assert [len(output) for output in outputs] == [8, 8, 8]
    assert outputs == [
        generate(backbone, FixedPrefix({"decoder": key_values}), [prompt], config)[0] for prompt in prompts
    ]
