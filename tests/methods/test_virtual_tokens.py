"""Input embeddings of virtual tokens: free or made by an MLP, and where they start."""

import pytest
import torch
from torch import Tensor

from prefixrun.config.schema import InitConfig
from prefixrun.methods.virtual_tokens import VirtualTokens

WORDS = torch.arange(24.0).view(3, 8) / 24


def started(name: str, words: Tensor | None, mid_dim: int | None) -> tuple[VirtualTokens, float | None]:
    torch.manual_seed(0)
    tokens = VirtualTokens(3, 8, mid_dim)
    return tokens, tokens.initialize(InitConfig(name=name, fit_steps=400, fit_lr=1e-2), words, seed=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("mid_dim", [None, 16])
def test_a_start_from_words_or_zero_is_reached(mid_dim: int | None) -> None:
    tokens, error = started("words", WORDS, mid_dim)
    torch.testing.assert_close(tokens(), WORDS, atol=0 if mid_dim is None else 0.02, rtol=0)
    assert error is not None
    assert error == pytest.approx(float((tokens() - WORDS).square().mean().detach()), abs=1e-7)
    tokens, error = started("zero", None, mid_dim)
    assert (error, float(tokens().abs().sum().detach())) == (0.0, 0.0)


@pytest.mark.parametrize("mid_dim", [None, 16])
def test_a_random_start_is_pytorchs_and_a_uniform_one_draws_the_rows(mid_dim: int | None) -> None:
    random, error = started("random", None, mid_dim)
    torch.manual_seed(0)
    assert error is None
    assert torch.equal(random.embedding.weight, VirtualTokens(3, 8, mid_dim).embedding.weight)
    uniform, error = started("uniform", None, mid_dim)
    assert error is None
    assert 0 <= float(uniform.embedding.weight.detach().min()) < float(uniform.embedding.weight.detach().max()) <= 1
    assert torch.equal(uniform.embedding.weight, started("uniform", None, mid_dim)[0].embedding.weight)
