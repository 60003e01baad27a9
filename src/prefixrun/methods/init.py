"""How a prefix starts: from the activations of real words (paper, section 7.4 and figure 5) or at random."""

from __future__ import annotations

import torch
from torch import Tensor

from prefixrun.attention import KeyValueCache, causal_mask
from prefixrun.errors import ConfigError
from prefixrun.methods.prefix import FlatPrefix, MLPPrefix, Prefix
from prefixrun.models import Backbone
from prefixrun.schema import InitConfig


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
    cache = KeyValueCache()
    device, dtype = backbone.head.device, backbone.head.dtype
    backbone.body(
        input_ids=torch.tensor([ids], device=device),
        position_ids=torch.arange(len(ids), device=device).unsqueeze(0),
        attention_mask=causal_mask(len(ids), dtype, device),
        past_key_values=cache,
        use_cache=True,
    )
    return torch.stack([torch.cat(layer) for layer in zip(cache.keys, cache.values, strict=True)]).float()


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
