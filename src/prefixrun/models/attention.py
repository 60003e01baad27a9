"""The one mechanism of this project: key/value pairs in front of an attention module's own.

transformers lets every attention of GPT-2, Llama, BART and T5 call a registered attention function. The function here
adds the module's `prefix_kv` (a trained prefix, or the prompt that beams share) to the softmax. It is applied after
the library's cache update, so that no cache ever holds the prefix and generation cannot drop it.

This is the only file that relies on transformers internals: the name `ALL_ATTENTION_FUNCTIONS`, the arguments its
functions receive (T5 adds its relative position bias), the attribute `layer_idx` of attention modules, and what these
ask of a cache (tests/test_attention.py is the canary).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import EncoderDecoderCache, PreTrainedModel
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, eager_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

NAME = "prefixrun"


@dataclass(frozen=True, slots=True)
class PrefixKV:
    """Keys and values that stand in front of every row's own, for one attention module.

    `keys`, `values`: (rows / share, kv_heads, length, head_dim). One entry serves `share` consecutive rows of the
    batch: all of them for a prefix (one entry), the beams of one input for a prompt (one entry an input).
    `bias`: (rows / share, 1, 1, length) added to the scores, minus infinity at padding; None where all counts.
    """

    keys: Tensor
    values: Tensor
    bias: Tensor | None = None

    def select(self, entries: Tensor) -> PrefixKV:
        """The front of some of its entries."""
        bias = None if self.bias is None else self.bias[entries]
        return PrefixKV(self.keys[entries], self.values[entries], bias)

    def then(self, other: PrefixKV) -> PrefixKV:
        """This prefix with `other`, of as many entries, behind it; both have a bias."""
        assert self.bias is not None
        assert other.bias is not None
        return PrefixKV(
            torch.cat([self.keys, other.keys], dim=2),
            torch.cat([self.values, other.values], dim=2),
            torch.cat([self.bias, other.bias], dim=3),
        )


def attention_sites(model: nn.Module) -> dict[str, list[nn.Module]]:
    """The attention modules of a model by site, each in the order of its layers.

    A decoder-only model has the site "decoder"; an encoder-decoder also "encoder" and "cross".
    """
    sites: dict[str, list[nn.Module]] = {}
    for name, module in model.named_modules():
        if hasattr(module, "layer_idx") and hasattr(module, "scaling"):
            sites.setdefault(_site(name), []).append(module)
    return sites


def _site(name: str) -> str:
    """Site of an attention module from its name in BART, T5 or a decoder-only model."""
    parts = name.split(".")
    if parts[-1] in ("encoder_attn", "EncDecAttention"):
        return "cross"
    return "encoder" if "encoder" in parts else "decoder"


@contextmanager
def attach_prefix(model: PreTrainedModel, by_site: Mapping[str, Sequence[PrefixKV | None]]) -> Iterator[None]:
    """Put `by_site[site][i]` in front of layer i of each site for the duration of the block (forward and backward).

    Inside another such block these take the place of the outer ones at the sites that are named.
    """
    modules = attention_sites(model)
    placed: list[tuple[nn.Module, PrefixKV | None]] = []
    for site, per_layer in by_site.items():
        if len(modules.get(site, ())) != len(per_layer):
            raise ValueError(
                f"{len(per_layer)} prefix_kv for {len(modules.get(site, ()))} attention layers of site {site}"
            )
        placed += zip(modules[site], per_layer, strict=True)
    before: list[PrefixKV | None] = [getattr(module, "prefix_kv", None) for module, _ in placed]
    for module, prefix in placed:
        module.prefix_kv = prefix  # type: ignore[assignment]
    try:
        yield
    finally:
        for (module, _), outer in zip(placed, before, strict=True):
            module.prefix_kv = outer  # type: ignore[assignment]


def shared_prefix_kv(flat: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, list[PrefixKV]]:
    """Fronts that all rows of a batch share, by site. Each tensor: (layers, 2, kv_heads, length, head_dim)."""
    return {
        site: [PrefixKV(keys=layer[0].unsqueeze(0), values=layer[1].unsqueeze(0)) for layer in tensor.to(dtype)]
        for site, tensor in flat.items()
    }


@contextmanager
def recorded(model: PreTrainedModel, sites: Sequence[str]) -> Iterator[dict[str, list[tuple[Tensor, Tensor]]]]:
    """Collect the keys and values that attention modules see within the block, without their prefix_kv.

    Yields a mapping that holds, after one forward pass, for each site and layer (keys, values): (rows, kv_heads,
    length, head_dim). Gradients flow through them.
    """
    modules = {site: attention_sites(model)[site] for site in sites}
    seen: dict[str, list[tuple[Tensor, Tensor]]] = {site: [] for site in sites}
    for site, per_layer in modules.items():
        for module in per_layer:
            module.record = seen[site].append  # type: ignore[assignment]
    try:
        yield seen
    finally:
        for per_layer in modules.values():
            for module in per_layer:
                del module.record


def use_prefix_attention(model: PreTrainedModel) -> None:
    """Make `model` call the attention function of this file."""
    model.set_attn_implementation(NAME)


def prefix_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    position_bias: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Softmax attention over [prefix; own].

    query: (rows, heads, queries, head_dim); key, value: (rows, kv_heads, keys, head_dim); attention_mask: additive,
    (rows or 1, 1, queries, keys), or None where every query sees every key. position_bias: (rows or 1, heads, queries,
    keys), T5's, which counts positions of the text alone: a prefix has no position and its scores get nothing added.
    Returns (rows, queries, heads, head_dim).
    """
    query = query * (query.shape[3] ** -0.5 if scaling is None else scaling)
    if (record := getattr(module, "record", None)) is not None:
        record((key, value))
    prefix: PrefixKV | None = getattr(module, "prefix_kv", None)
    dropout = dropout if module.training else 0.0
    return _attend(query, key, value, attention_mask, prefix, position_bias, dropout), None


def _attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    prefix: PrefixKV | None,
    position_bias: Tensor | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """The arguments of `prefix_attention`, queries scaled.

    The query heads that share a key/value head are folded into the query axis, and so are the rows that share a
    prefix: neither keys nor prefix are ever copied out per head or per row.
    """
    rows, heads, queries, head_dim = query.shape
    kv_heads, own_length = key.shape[1], key.shape[2]
    group = heads // kv_heads
    query = query.reshape(rows, kv_heads, group, queries, head_dim)
    folded = query.reshape(rows, kv_heads, group * queries, head_dim)
    scores = torch.matmul(folded, key.transpose(2, 3)).view(rows, kv_heads, group, queries, own_length)
    if position_bias is not None:
        scores = scores + position_bias.view(len(position_bias), kv_heads, group, queries, own_length)
    if attention_mask is not None:
        scores = scores + attention_mask.unsqueeze(1)

    length = 0
    if prefix is not None:
        length = prefix.keys.shape[2]
        scores = torch.cat([_prefix_scores(query, prefix), scores], dim=-1)
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(value.dtype)
    if dropout:
        weights = nn.functional.dropout(weights, p=dropout)

    own = weights[..., length:].reshape(rows, kv_heads, group * queries, own_length)
    output = torch.matmul(own, value).view(rows, kv_heads, group, queries, head_dim)
    if prefix is not None:
        output = output + _prefix_output(weights[..., :length], prefix)
    return output.permute(0, 3, 1, 2, 4).reshape(rows, queries, heads, head_dim)


def _prefix_scores(query: Tensor, prefix: PrefixKV) -> Tensor:
    """query: (rows, kv_heads, group, queries, head_dim), scaled. Returns (rows, kv_heads, group, queries, length)."""
    rows, kv_heads, group, queries, head_dim = query.shape
    entries, share = prefix.keys.shape[0], rows // prefix.keys.shape[0]
    by_entry = query.reshape(entries, share, kv_heads, group * queries, head_dim).transpose(1, 2)
    scores = torch.matmul(by_entry.reshape(entries, kv_heads, -1, head_dim), prefix.keys.transpose(2, 3))
    if prefix.bias is not None:
        scores = scores + prefix.bias
    return (
        scores.view(entries, kv_heads, share, group, queries, -1)
        .transpose(1, 2)
        .reshape(rows, kv_heads, group, queries, -1)
    )


def _prefix_output(weights: Tensor, prefix: PrefixKV) -> Tensor:
    """weights: (rows, kv_heads, group, queries, length). Returns (rows, kv_heads, group, queries, head_dim)."""
    rows, kv_heads, group, queries, length = weights.shape
    entries, share = prefix.keys.shape[0], rows // prefix.keys.shape[0]
    by_entry = weights.reshape(entries, share, kv_heads, group * queries, length).transpose(1, 2)
    output = torch.matmul(by_entry.reshape(entries, kv_heads, -1, length), prefix.values)
    return (
        output.view(entries, kv_heads, share, group, queries, -1)
        .transpose(1, 2)
        .reshape(rows, kv_heads, group, queries, -1)
    )


class KeyValueCache:
    """What the rows themselves have written, in the form that transformers' attention modules update.

    `keys`, `values`: one tensor a layer, (rows, kv_heads, room, head_dim); the first `written` positions count. Room is
    made for GROWTH positions at a time, so that a step writes one position instead of copying all.
    """

    GROWTH = 8

    def __init__(self) -> None:
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        self.written: list[int] = []

    @classmethod
    def of(cls, pairs: Sequence[tuple[Tensor, Tensor]]) -> KeyValueCache:
        """A cache that begins with the keys and values of each layer."""
        cache = cls()
        for layer, (key, value) in enumerate(pairs):
            cache.update(key, value, layer)
        return cache

    def get_seq_length(self, layer: int = 0) -> int:
        """Positions written so far; BART and T5 number the next ones from it."""
        return self.written[layer] if layer < len(self.written) else 0

    def update(self, key: Tensor, value: Tensor, layer: int, *_: Any) -> tuple[Tensor, Tensor]:
        """Append to one layer and return all it has; layers come in their order."""
        if layer == len(self.keys):
            self.keys.append(key)
            self.values.append(value)
            self.written.append(key.shape[2])
            return key, value
        start, stop = self.written[layer], self.written[layer] + key.shape[2]
        if stop > self.keys[layer].shape[2]:
            more = (0, 0, 0, max(self.GROWTH, key.shape[2]))
            self.keys[layer] = nn.functional.pad(self.keys[layer], more)
            self.values[layer] = nn.functional.pad(self.values[layer], more)
        self.keys[layer][:, :, start:stop] = key
        self.values[layer][:, :, start:stop] = value
        self.written[layer] = stop
        return self.keys[layer][:, :, :stop], self.values[layer][:, :, :stop]

    def select(self, rows: Tensor) -> None:
        """Let row i go on from what row rows[i] has written."""
        self.keys = [keys.index_select(0, rows) for keys in self.keys]
        self.values = [values.index_select(0, rows) for values in self.values]


class SplitCache(EncoderDecoderCache):
    """What a decoder with cross attention asks of a cache, when all that it sees of the input stands in front of it.

    Its own tokens go to `own`; the cross attention finds that its keys and values are there already, and none.
    """

    def __init__(self, own: KeyValueCache, empty: Tensor, layers: int) -> None:
        """empty: (rows, heads, 0, head_dim)."""
        nothing = SimpleNamespace(keys=empty, values=empty)
        self.self_attention_cache: Any = own
        self.cross_attention_cache: Any = SimpleNamespace(layers=[nothing] * layers)
        self.is_updated = dict.fromkeys(range(layers), True)

    def get_seq_length(self, layer_idx: int = 0) -> int:
        own: KeyValueCache = self.self_attention_cache
        return own.get_seq_length(layer_idx)


def causal_mask(length: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Additive mask (1, 1, length, length): each position sees itself and those before it."""
    full = torch.full((length, length), torch.finfo(dtype).min, dtype=dtype, device=device)
    return full.triu(1)[None, None]


ALL_ATTENTION_FUNCTIONS.register(NAME, prefix_attention)
ALL_MASK_ATTENTION_FUNCTIONS.register(NAME, eager_mask)
