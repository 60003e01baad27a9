"""Initialisation of a prefix: from the activations of real tokens (section 7.4 and figure 5), at random or at zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from prefixrun.config.schema import Config, InitConfig
from prefixrun.errors import ConfigError
from prefixrun.models.attention import recorded
from prefixrun.models.backbone import Backbone
from prefixrun.models.decoder_only import last_states
from prefixrun.models.encoder_decoder import decode, encode
from prefixrun.models.kv_cache import KeyValueCache
from prefixrun.models.masks import causal_mask

if TYPE_CHECKING:
    from prefixrun.methods.base import PrefixKeyValues

STREAM = 2
"""Number of the random stream of initialisation, see training.trainer for those of order and dropout."""


class FixedRowsMlp(Protocol):
    """An MLP over rows that stay as drawn."""

    @property
    def mlp(self) -> nn.Module: ...

    def zero_grad(self, set_to_none: bool = ...) -> None: ...

    def __call__(self) -> Tensor: ...


def initial_key_values(backbone: Backbone, config: Config) -> PrefixKeyValues | None:
    """The keys and values of real tokens that initialise a prefix; None for an initialisation that reads none.

    Raises:
        ConfigError: init_words of another length than the prefix.
    """
    ids = initial_ids(backbone, config)
    return None if ids is None else by_site(backbone, ids)


def initial_embeddings(backbone: Backbone, config: Config) -> Tensor | None:
    """Input embeddings of those tokens: (prefix_len, d), float32. Errors as initial_key_values's."""
    ids = initial_ids(backbone, config)
    if ids is None:
        return None
    return backbone.embed(torch.tensor(ids, device=backbone.head.device)).detach().float()


def initial_ids(backbone: Backbone, config: Config) -> list[int] | None:
    """The tokens that `config.init` names: words, or drawn from the vocabulary; None for the others."""
    if config.init.name == "words":
        return word_ids(backbone, config.init_words, config.default_words, config.prefix_len)
    if config.init.name == "vocab":
        return sampled_ids(backbone, config.prefix_len, config.seed)
    return None


def sampled_ids(backbone: Backbone, count: int, seed: int) -> list[int]:
    """Tokens drawn uniformly from the vocabulary, special ones excluded; they may repeat."""
    special = set(backbone.tokenizer.special())
    candidates = [index for index in range(backbone.shape.vocabulary) if index not in special]
    return [candidates[place] for place in np.random.default_rng([seed, STREAM]).integers(len(candidates), size=count)]


def generator(seed: int, device: torch.device) -> torch.Generator:
    """The random stream of initialisation."""
    state = np.random.SeedSequence([seed, STREAM]).generate_state(1)[0].item()
    return torch.Generator(device).manual_seed(int(state))


def word_ids(
    backbone: Backbone, words: str | None, default: str | None, prefix_len: int, budget: str | None = None
) -> list[int]:
    """Token ids of blank + words, exactly `prefix_len` of them.

    The paper sets the prefix length to the number of tokens of its words, so given `words` must fit it; the `default`
    is repeated and cut to it. `budget` is what chose the length, for the message.

    Raises:
        ConfigError: `words` has another number of tokens.
    """
    ids = backbone.tokenizer.text(f" {(words or default or '').strip()}")
    if words is None:
        return (ids * (prefix_len // len(ids) + 1))[:prefix_len]
    if len(ids) != prefix_len:
        chosen, instead = (f"budget={budget} chooses ", " in its place") if budget else ("", "")
        raise ConfigError(
            f"init_words={words!r}: {len(ids)} tokens for this model, but {chosen}prefix_len={prefix_len}; give "
            f"prefix_len={len(ids)}{instead} or other words, or leave init_words out to have a default text repeated "
            "and cut"
        )
    return ids


def by_site(backbone: Backbone, ids: list[int]) -> PrefixKeyValues:
    """Keys and values that the frozen model computes for `ids` at every site where a prefix can stand."""
    return split_activations(backbone, ids) if backbone.is_seq2seq else {"decoder": activations(backbone, ids)}


@torch.no_grad()
def split_activations(backbone: Backbone, ids: list[int]) -> PrefixKeyValues:
    """What an encoder-decoder computes when both of its parts read `ids` alone, at positions 0, 1, ...

    "encoder": its self-attention on them; "cross": what the decoder's layers make of the encoder's states of them;
    "decoder": its self-attention when it reads them as an output for that input. So every prefix is one that a text of
    these words could have left behind. The paper's authors did so on their first branch (prefix for BART, master), and
    their released one cannot.

    Each: (layers, 2, heads, len(ids), head_dim), float32.
    """
    tokens = torch.tensor([ids], device=backbone.head.device)
    free = torch.zeros(1, 1, 1, len(ids), dtype=backbone.head.dtype, device=tokens.device)
    with recorded(backbone.model, backbone.sites) as seen:
        encoded = encode(backbone, tokens, free)
        decode(backbone, tokens, causal_mask(len(ids), free.dtype, free.device), encoded, free)
    return {site: torch.stack([torch.cat(layer) for layer in per_layer]).float() for site, per_layer in seen.items()}


@torch.no_grad()
def activations(backbone: Backbone, ids: list[int]) -> Tensor:
    """Keys and values that the frozen model computes for `ids` at positions 0, 1, ...

    Returns (layers, 2, kv_heads, len(ids), head_dim), float32.
    """
    embeddings = backbone.embed(torch.tensor([ids], device=backbone.head.device))
    return keys_values(backbone, embeddings).float()


def keys_values(backbone: Backbone, embeddings: Tensor) -> Tensor:
    """What a decoder-only model computes for input embeddings (1, length, d) at positions 0, 1, ...; differentiable.

    Returns (layers, 2, kv_heads, length, head_dim).
    """
    cache = KeyValueCache()
    length = embeddings.shape[1]
    positions = torch.arange(length, device=embeddings.device).unsqueeze(0)
    mask = causal_mask(length, embeddings.dtype, embeddings.device)
    last_states(backbone, positions, mask, embeddings=embeddings, cache=cache)
    return torch.stack([torch.cat(layer) for layer in cache.key_values()])


def fit_mlp(part: FixedRowsMlp, target: Tensor, config: InitConfig) -> float:
    """Fit the MLP of `part` to `target` with Adam; returns the mean squared error that is left.

    The embedding rows stay as drawn, as in the paper's code (lowdata_init_train3: 500 steps, learning rate 1e-4).
    """
    optimiser = torch.optim.Adam(part.mlp.parameters(), lr=config.fit_lr, fused=True)
    for _ in range(config.fit_steps):
        optimiser.zero_grad()
        nn.functional.mse_loss(part(), target).backward()
        optimiser.step()
    part.zero_grad()
    with torch.no_grad():
        return float(nn.functional.mse_loss(part(), target))


def set_zero(mlp: nn.Module) -> None:
    """Let an MLP give zeros, exactly, by its last layer alone: the others keep what they need to learn."""
    assert isinstance(mlp, nn.Sequential)
    for parameter in mlp[-1].parameters():
        nn.init.zeros_(parameter)
