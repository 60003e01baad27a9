"""Keys and values in the form that models of transformers read and extend.

The part of transformers' cache protocol that models use when they are given masks and positions:

* `get_seq_length()`, the number of tokens that are there already;
* `update(key, value, layer_idx)`, which appends and returns all keys and values of the layer;
* of a decoder with cross attention, a subclass of `EncoderDecoderCache` with `self_attention_cache`, `is_updated` by
  layer, and `cross_attention_cache.layers[i].keys` and `.values`.

Nothing else of `transformers.Cache` is there, nor in BeamCache. Searches in tests/decoding and tests/models fail where
a new version asks for more.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from transformers import EncoderDecoderCache

from prefixrun.models.beam_cache import BeamCache


class KeyValueCache:
    """The keys and values of each layer that passes over whole texts have computed; a search goes on with BeamCache.

    `keys`, `values`: one tensor a layer, (rows, kv_heads, length, head_dim).
    """

    is_compileable = False
    """Read by OPT and StableLM in transformers 5.0: no cache of a fixed size, which compiled code would need."""

    def __init__(self) -> None:
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []

    def key_values(self) -> list[tuple[Tensor, Tensor]]:
        """Keys and values by layer, each (rows, kv_heads, length, head_dim)."""
        return list(zip(self.keys, self.values, strict=True))

    def get_seq_length(self, layer: int = 0) -> int:
        """Positions that are there."""
        return self.keys[layer].shape[2] if layer < len(self.keys) else 0

    def update(self, key: Tensor, value: Tensor, layer: int, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Append (rows, kv_heads, new, head_dim) to one layer and return all it has; layers come in their order."""
        if layer == len(self.keys):
            self.keys.append(key)
            self.values.append(value)
        else:
            self.keys[layer] = torch.cat([self.keys[layer], key], dim=2)
            self.values[layer] = torch.cat([self.values[layer], value], dim=2)
        return self.keys[layer], self.values[layer]


class EmptyCrossCache(EncoderDecoderCache):
    """The cache of a decoder whose cross attention sees the input as an attached prefix (PrefixKV) only.

    Self-attention extends `decoder_cache`. Cross attention sees from it that its keys and values have been computed
    (`is_updated`), and there are none, so that it projects no encoder states.
    """

    def __init__(self, decoder_cache: BeamCache, empty: Tensor, layers: int) -> None:
        """empty: (rows, heads, 0, head_dim), the keys and the values of cross attention in each layer."""
        layer = SimpleNamespace(keys=empty, values=empty)
        self.self_attention_cache: Any = decoder_cache
        self.cross_attention_cache: Any = SimpleNamespace(layers=[layer] * layers)
        self.is_updated = dict.fromkeys(range(layers), True)

    def get_seq_length(self, layer_idx: int = 0) -> int:
        decoder_cache: BeamCache = self.self_attention_cache
        return decoder_cache.get_seq_length(layer_idx)
