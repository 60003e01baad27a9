"""Keys and values of the tokens that a search has written, in the form that models of transformers read and extend.

The part of transformers' cache protocol that models use when they are given masks and positions:

* `get_seq_length()`, the number of tokens that are there already;
* `update(key, value, layer_idx)`, which appends and returns all keys and values of the layer;
* of a decoder with cross attention, a subclass of `EncoderDecoderCache` with `self_attention_cache`, `is_updated` by
  layer, and `cross_attention_cache.layers[i].keys` and `.values`.

Nothing else of `transformers.Cache` is there. Searches in tests/decoding and tests/models fail where a new version asks
for more.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from torch import Tensor, nn
from transformers import EncoderDecoderCache


class KeyValueCache:
    """The keys and values of each layer, with spare room behind them.

    `keys`, `values`: one tensor a layer, (rows, kv_heads, room, head_dim), of which the first `lengths[layer]`
    positions are in use. Room is made for GROWTH positions at a time, so that a step writes one position instead of
    copying all.
    """

    GROWTH = 8
    is_compileable = False
    """Read by OPT and StableLM in transformers 5.0: no cache of a fixed size, which compiled code would need."""

    def __init__(self) -> None:
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        self.lengths: list[int] = []

    @classmethod
    def of(cls, key_values: Sequence[tuple[Tensor, Tensor]]) -> KeyValueCache:
        """A cache that begins with these keys and values of each layer."""
        cache = cls()
        for layer, (key, value) in enumerate(key_values):
            cache.update(key, value, layer)
        return cache

    def key_values(self) -> list[tuple[Tensor, Tensor]]:
        """Keys and values by layer, each (rows, kv_heads, length, head_dim)."""
        layers = zip(self.keys, self.values, self.lengths, strict=True)
        return [(keys[:, :, :length], values[:, :, :length]) for keys, values, length in layers]

    def get_seq_length(self, layer: int = 0) -> int:
        """Positions in use; encoder-decoders number the next ones from it."""
        return self.lengths[layer] if layer < len(self.lengths) else 0

    def update(self, key: Tensor, value: Tensor, layer: int, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Append (rows, kv_heads, new, head_dim) to one layer and return all it has; layers come in their order."""
        if layer == len(self.keys):
            self.keys.append(key)
            self.values.append(value)
            self.lengths.append(key.shape[2])
            return key, value
        start, stop = self.lengths[layer], self.lengths[layer] + key.shape[2]
        if stop > self.keys[layer].shape[2]:
            more = (0, 0, 0, max(self.GROWTH, key.shape[2]))
            self.keys[layer] = nn.functional.pad(self.keys[layer], more)
            self.values[layer] = nn.functional.pad(self.values[layer], more)
        self.keys[layer][:, :, start:stop] = key
        self.values[layer][:, :, start:stop] = value
        self.lengths[layer] = stop
        return self.keys[layer][:, :, :stop], self.values[layer][:, :, :stop]

    def select(self, rows: Tensor) -> None:
        """Let row i continue from row rows[i]: (new rows,) indices."""
        self.keys = [keys.index_select(0, rows) for keys in self.keys]
        self.values = [values.index_select(0, rows) for values in self.values]


class EmptyCrossCache(EncoderDecoderCache):
    """The cache of a decoder whose cross attention sees the input as an attached prefix (PrefixKV) only.

    Self-attention extends `decoder_cache`. Cross attention is told that its keys and values have been computed
    (`is_updated`), and there are none, so that it projects no encoder states.
    """

    def __init__(self, decoder_cache: KeyValueCache, empty: Tensor, layers: int) -> None:
        """empty: (rows, heads, 0, head_dim), the keys and the values of cross attention in each layer."""
        layer = SimpleNamespace(keys=empty, values=empty)
        self.self_attention_cache: Any = decoder_cache
        self.cross_attention_cache: Any = SimpleNamespace(layers=[layer] * layers)
        self.is_updated = dict.fromkeys(range(layers), True)

    def get_seq_length(self, layer_idx: int = 0) -> int:
        decoder_cache: KeyValueCache = self.self_attention_cache
        return decoder_cache.get_seq_length(layer_idx)
