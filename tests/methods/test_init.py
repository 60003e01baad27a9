"""Starting from the activations of real words."""

import pytest
import torch
from torch import Tensor

from prefixrun.config.compose import compose
from prefixrun.config.schema import InitConfig
from prefixrun.errors import ConfigError
from prefixrun.methods import build
from prefixrun.methods.init import activations, fit_mlp, sampled_ids, word_ids
from prefixrun.methods.prefix import Reparametrisation
from prefixrun.methods.prefix_flat import FlatPrefix
from prefixrun.models.attention import attach_prefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.masks import causal_mask
from prefixrun.models.prefix_kv import shared_prefix_kv

WORDS = "summarize"
LENGTH = 1 + len(WORDS)
"""Tokens of the blank and the words: the tiny models read bytes."""


def plain_logits(backbone: Backbone, ids: list[int]) -> Tensor:
    mask = causal_mask(len(ids), torch.float32, backbone.head.device)
    return backbone.model(
        input_ids=torch.tensor([ids]),
        position_ids=torch.arange(len(ids))[None],
        attention_mask=mask,
        use_cache=False,
    ).logits[0]


@torch.no_grad()
def test_a_prefix_of_words_counts_like_the_words_in_front(backbone: Backbone) -> None:
    words = word_ids(backbone, WORDS, None, LENGTH)
    text = backbone.tokenizer.source("name : Aromi")
    expected = plain_logits(backbone, [*words, *text])[len(words) :]

    prefix = FlatPrefix(backbone.shape, backbone.sites, LENGTH)
    prefix.fit_to({"decoder": activations(backbone, words)}, InitConfig(name="words"))
    with attach_prefix(backbone.model, shared_prefix_kv(prefix.stored_key_values(), torch.float32)):
        ours = backbone.model(
            input_ids=torch.tensor([text]),
            position_ids=torch.arange(LENGTH, LENGTH + len(text))[None],
            attention_mask=causal_mask(len(text), torch.float32, backbone.head.device),
            use_cache=False,
        ).logits[0]
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(ours, plain_logits(backbone, text), atol=1e-2)


def test_the_mlp_is_fitted_and_the_error_falls(backbone: Backbone) -> None:
    target = activations(backbone, word_ids(backbone, WORDS, None, LENGTH))
    errors = []
    for steps in (1, 20, 300):
        torch.manual_seed(0)
        prefix = Reparametrisation(backbone.shape, LENGTH, mid_dim=64)
        rows = prefix.embedding.weight.detach().clone()
        error = fit_mlp(prefix, target, InitConfig(name="words", fit_steps=steps, fit_lr=1e-3))
        assert error == pytest.approx(float((prefix() - target).square().mean().detach()))
        assert torch.equal(prefix.embedding.weight, rows), "the embedding stays as drawn"
        assert all(parameter.grad is None for parameter in prefix.parameters()), "training starts without gradients"
        errors.append(error)
    assert errors[2] < 0.05 * errors[0]
    assert errors == sorted(errors, reverse=True)


def test_words_of_another_length_are_refused_with_their_count(backbone: Backbone) -> None:
    with pytest.raises(
        ConfigError, match=r"init_words='summarize': 10 tokens .* but prefix_len=5; give prefix_len=10 "
    ):
        word_ids(backbone, WORDS, "unused", 5)


def test_spaces_around_the_words_do_not_count(backbone: Backbone) -> None:
    assert word_ids(backbone, "  summarize ", None, LENGTH) == backbone.tokenizer.text(" summarize")


@pytest.mark.parametrize("prefix_len", [1, 3, 4, 10])
def test_the_default_is_repeated_and_cut(backbone: Backbone, prefix_len: int) -> None:
    once = backbone.tokenizer.text(" abc")
    assert word_ids(backbone, None, "abc", prefix_len) == (once * 3)[:prefix_len]


@pytest.mark.parametrize("method", ["prefix", "prefix_flat", "embedding", "infix"])
@pytest.mark.parametrize("init", ["random", "uniform", "zero", "words", "vocab"])
def test_a_start_depends_on_the_seed_alone(backbone: Backbone, method: str, init: str) -> None:
    def start(seed: int, disturbance: int) -> dict[str, Tensor]:
        words = ["model=tiny_gpt2", f"method={method}", f"init={init}", "prefix_len=3", "init.fit_steps=3"]
        config = compose([*words, f"seed={seed}"])
        torch.manual_seed(disturbance)
        after = torch.random.get_rng_state()
        built = build(config, backbone)
        built.initialize(backbone, config)
        assert torch.equal(torch.random.get_rng_state(), after), "the program's own stream has not moved"
        return built.trained_tensors()

    first, again, other = start(1, 5), start(1, 6), start(2, 5)
    assert all(torch.equal(first[name], again[name]) for name in first)
    if init == "zero":
        assert all(not tensor.any() for tensor in first.values())
    elif init in ("random", "uniform", "vocab"):
        assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("method", ["prefix", "prefix_flat"])
def test_uniform_draws_what_the_paper_calls_the_prefix(backbone: Backbone, method: str) -> None:
    config = compose(["model=tiny_gpt2", f"method={method}", "init=uniform", "prefix_len=50"])
    built = build(config, backbone)
    built.initialize(backbone, config)
    drawn = built.parts["decoder"].embedding.weight if method == "prefix" else built.prefix["decoder"]  # type: ignore
    drawn = drawn.detach()
    assert 0 <= float(drawn.min()) < 0.05
    assert 0.95 < float(drawn.max()) < 1


def test_sampled_tokens_are_never_special(backbone: Backbone) -> None:
    ids = sampled_ids(backbone, 5000, seed=3)
    assert backbone.tokenizer.end not in ids
    assert len(set(ids)) > 250
