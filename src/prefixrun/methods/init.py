"""How a prefix starts: from the activations of real words (paper, section 7.4 and figure 5) or at random."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import DynamicCache

from prefixrun.errors import ConfigError
from prefixrun.methods.prefix import FlatPrefix, MLPPrefix, Prefix
from prefixrun.models import Backbone
from prefixrun.schema import InitConfig


def word_ids(backbone: Backbone, words: str, prefix_len: int, *, repeat: bool) -> list[int]:
    """Token ids of blank + `words`, exactly `prefix_len` of them.

    The paper sets the prefix length to the number of tokens of its words. With `repeat` the text is repeated and cut
    to the length instead.

    Raises:
        ConfigError: without `repeat`, when the text has another number of tokens.
    """
    ids = backbone.tokenizer.text(f" {words.strip()}")
    if len(ids) == prefix_len:
        return ids
    if not repeat or not ids:
        raise ConfigError(
            f"init_words={words!r}: {len(ids)} tokens for this model, but prefix_len={prefix_len}; "
            f"give prefix_len={len(ids)}, other words, or init.repeat=true to repeat and cut them"
        )
    return (ids * (prefix_len // len(ids) + 1))[:prefix_len]


@torch.no_grad()
def activations(backbone: Backbone, ids: list[int]) -> Tensor:
    """Keys and values that the frozen model computes for `ids` at positions 0, 1, ...

    Returns (layers, 2, kv_heads, len(ids), head_dim), float32.
    """
    cache = DynamicCache(config=backbone.model.config)
    device = backbone.head.device
    backbone.body(input_ids=torch.tensor([ids], device=device), past_key_values=cache, use_cache=True)
    layers = [torch.stack([layer.keys[0], layer.values[0]]) for layer in cache.layers]
    return torch.stack(layers).float()


def start_from(prefix: Prefix, target: Tensor, config: InitConfig) -> float:
    """Move `prefix` to `target`; returns the mean squared error that is left.

    A flat prefix is set. The MLP is fitted with Adam while its embedding rows stay as drawn, as the paper's code does
    (lowdata_init_train3: 500 steps, learning rate 1e-4).
    """
    if isinstance(prefix, FlatPrefix):
        with torch.no_grad():
            prefix.prefix.copy_(target)
        return 0.0
    assert isinstance(prefix, MLPPrefix)
    optimiser = torch.optim.Adam(prefix.mlp.parameters(), lr=config.fit_lr)
    for _ in range(config.fit_steps):
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(prefix.flat(), target).backward()
        optimiser.step()
    prefix.zero_grad()
    with torch.no_grad():
        return float(torch.nn.functional.mse_loss(prefix.flat(), target))
