"""How a prefix starts: from the activations of real words (paper, section 7.4 and figure 5) or at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn

from prefixrun.attention import KeyValueCache, causal_mask
from prefixrun.errors import ConfigError
from prefixrun.models import Backbone
from prefixrun.schema import Config, InitConfig

if TYPE_CHECKING:
    from prefixrun.methods.base import Flat


class Fitted(Protocol):
    """An MLP over rows that stay as drawn."""

    mlp: nn.Module
    zero_grad: Callable[[], None]

    def __call__(self) -> Tensor: ...


def starting_point(backbone: Backbone, config: Config) -> Flat | None:
    """The keys and values that `config.init` asks a prefix to start from; None for the random start of PyTorch.

    Raises:
        ConfigError: init_words of another length than the prefix.
    """
    if config.init.name == "random":
        return None
    ids = word_ids(backbone, config.init_words, config.default_words, config.prefix_len)
    return {"decoder": activations(backbone, ids)}


def word_ids(backbone: Backbone, words: str | None, default: str | None, prefix_len: int) -> list[int]:
    """Token ids of blank + words, exactly `prefix_len` of them.

    The paper sets the prefix length to the number of tokens of its words, so given `words` must fit it; the `default`
    is repeated and cut to it.

    Raises:
        ConfigError: `words` has another number of tokens.
    """
    ids = backbone.tokenizer.text(f" {(words or default or '').strip()}")
    if words is None:
        return (ids * (prefix_len // len(ids) + 1))[:prefix_len]
    if len(ids) != prefix_len:
        raise ConfigError(
            f"init_words={words!r}: {len(ids)} tokens for this model, but prefix_len={prefix_len}; give "
            f"prefix_len={len(ids)} or other words, or leave init_words out to have a default text repeated and cut"
        )
    return ids


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
    backbone.body(
        inputs_embeds=embeddings,
        position_ids=torch.arange(length, device=embeddings.device).unsqueeze(0),
        attention_mask=causal_mask(length, embeddings.dtype, embeddings.device),
        past_key_values=cache,
        use_cache=True,
    )
    return torch.stack([torch.cat(layer) for layer in zip(cache.keys, cache.values, strict=True)])


def start_from(part: Fitted, target: Tensor, config: InitConfig) -> float:
    """Fit the MLP of `part` to `target` with Adam; returns the mean squared error that is left.

    The embedding rows stay as drawn, as in the paper's code (lowdata_init_train3: 500 steps, learning rate 1e-4).
    """
    optimiser = torch.optim.Adam(part.mlp.parameters(), lr=config.fit_lr)
    for _ in range(config.fit_steps):
        optimiser.zero_grad()
        nn.functional.mse_loss(part(), target).backward()
        optimiser.step()
    part.zero_grad()
    with torch.no_grad():
        return float(nn.functional.mse_loss(part(), target))
