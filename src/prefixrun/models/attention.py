"""Attention with a prefix, for the attention modules of transformers.

transformers lets the attention modules of most models call a registered attention function. The one here adds the
module's `prefix_kv` (a trained prefix, or the prompt that beams share) to the softmax. It is applied after the
library's cache update, so no cache ever holds the prefix and generation cannot drop it. For the rest a prefix is what
the same keys and values in the library's cache would be: it stands at the positions before the text's, also where a
module sees a window of positions alone.

This file, kv_cache, beam_cache, rotary, training_kernels, repositioned, self_check and transformers_names alone rely on
how transformers attends and caches. Here that is:
the registries `ALL_ATTENTION_FUNCTIONS` and `ALL_MASK_ATTENTION_FUNCTIONS`, the arguments of an attention function
(`prefix_attention` names those that change its result), and how attention modules are recognised (`attention_sites`).
tests/models/test_attention.py fails where a new version changes one of them, and `self_check` refuses a model that
computes something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, eager_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from prefixrun.models.attention_gradient import attend, gradient_is_written
from prefixrun.models.beam_cache import BeamCache
from prefixrun.models.output_terms import OutputTerm
from prefixrun.models.prefix_kv import PrefixKV
from prefixrun.models.prefix_softmax import (
    Scoring,
    Watch,
    can_fuse,
    can_write_gradient,
    fused_attention,
    key_window,
    softmax_attention,
)
from prefixrun.models.replaced import Entry, replaced
from prefixrun.models.transformers_names import uses_registry

NAME = "prefixrun"
"""Of the attention function in the registries."""


def use_prefix_attention(model: PreTrainedModel) -> None:
    """Make `model` call the attention function of this file."""
    model.set_attn_implementation(NAME)


def attention_sites(model: nn.Module) -> dict[str, list[nn.Module]]:
    """The attention modules of a model by site, each in the order of its layers.

    A decoder-only model has the site "decoder"; an encoder-decoder also "encoder" and "cross". A module counts when it
    is called an attention, has the index of its layer, and looks its attention function up in the registry.
    """
    sites: dict[str, list[nn.Module]] = {}
    for name, module in model.named_modules():
        if is_attention(module) and hasattr(module, "layer_idx") and uses_registry(module):
            sites.setdefault(_site(name), []).append(module)
    return sites


def is_attention(module: nn.Module) -> bool:
    """Whether a module of transformers is called an attention."""
    return type(module).__name__.endswith("Attention")


def _site(name: str) -> str:
    """Site of an attention module from its name in an encoder-decoder or a decoder-only model."""
    parts = name.split(".")
    if parts[-1] in ("encoder_attn", "EncDecAttention"):
        return "cross"
    return "encoder" if "encoder" in parts else "decoder"


@contextmanager
def attach_prefix(model: PreTrainedModel, by_site: Mapping[str, Sequence[PrefixKV | None]]) -> Iterator[None]:
    """Attach `by_site[site][i]` to the attention of layer i for the duration of the block (forward and backward).

    Within another such block it replaces the outer prefixes at the sites that it names.

    Raises:
        ValueError: another number of prefixes than the site has layers.
    """
    with _attached(model, "prefix_kv", by_site):
        yield


@contextmanager
def attach_terms(model: PreTrainedModel, by_site: Mapping[str, Sequence[OutputTerm | None]]) -> Iterator[None]:
    """The same for terms that are added to the output of attention; beside them prefixes stay as they are."""
    with _attached(model, "output_term", by_site):
        yield


@contextmanager
def watch_weights(model: PreTrainedModel, by_site: Mapping[str, Sequence[Watch | None]]) -> Iterator[None]:
    """The same for functions that see the weights of each pass; what is computed stays the same."""
    with _attached(model, "weights_watch", by_site):
        yield


@contextmanager
def _attached(model: PreTrainedModel, slot: str, by_site: Mapping[str, Sequence[object]]) -> Iterator[None]:
    """What stands in the attribute `slot` of the attention modules within the block; see `attach_prefix`."""
    sites = attention_sites(model)
    entries: list[Entry] = []
    for site, per_layer in by_site.items():
        modules = sites.get(site, [])
        if len(modules) != len(per_layer):
            raise ValueError(f"{len(per_layer)} {slot} for {len(modules)} attention layers of site {site}")
        entries += [(vars(module), slot, value) for module, value in zip(modules, per_layer, strict=True)]
    with replaced(entries):
        yield


@contextmanager
def recorded(model: PreTrainedModel, sites: Sequence[str]) -> Iterator[dict[str, list[tuple[Tensor, Tensor]]]]:
    """Collect the keys and values that attention modules compute within the block, without those of a prefix.

    Yields a mapping that has, after one forward pass, for each site and layer (keys, values): (rows, kv_heads,
    length, head_dim). Gradients flow through them.
    """
    modules = attention_sites(model)
    records: dict[str, list[tuple[Tensor, Tensor]]] = {site: [] for site in sites}
    with replaced((vars(module), "record", records[site].append) for site in sites for module in modules[site]):
        yield records


def prefix_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    position_bias: Tensor | None = None,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    sliding_window: int | None = None,
    position_ids: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Softmax attention over the keys of the attached prefix and of the text, as transformers calls it.

    Args:
        query: (rows, heads, queries, head_dim).
        key, value: (rows, kv_heads, keys, head_dim), those of the text; with a BeamCache (inputs, kv_heads, columns,
            head_dim), and the rows of the other arguments are the beams of these inputs.
        attention_mask: (rows or 1, 1, queries, keys), added to the scores; None where every query sees every key.
        position_bias: (rows or 1, heads, queries, keys), T5's. It counts positions of the text alone: a prefix has no
            position, and nothing is added to its scores.
        softcap: a score s becomes softcap x tanh(s / softcap) (Gemma 2).
        s_aux: (heads,), the score of an attention sink, a key without a value (gpt-oss).
        sliding_window: a query sees keys at fewer than so many positions before its own, those of a prefix included.
        position_ids: (rows or 1, queries), positions of the queries; read where there is a window.

    Returns (rows, queries, heads, head_dim), and None in the place of the attention weights.
    """
    scaling = query.shape[3] ** -0.5 if scaling is None else scaling
    term: OutputTerm | None = getattr(module, "output_term", None)
    added = None if term is None else term(query, scaling, softcap)
    if (record := getattr(module, "record", None)) is not None:
        record((key, value))
    prefix: PrefixKV | None = getattr(module, "prefix_kv", None)
    cache: BeamCache | None = getattr(module, "beam_cache", None)
    rows = len(query)
    if cache is not None:
        layer: Any = module.layer_idx
        query, attention_mask, position_bias, position_ids = cache.as_queries(
            layer, query, attention_mask, position_bias, position_ids
        )
    window = key_window(sliding_window, position_ids, query, key, prefix, cache.tables.positions if cache else None)
    dropout = dropout if module.training else 0.0
    scoring = Scoring(attention_mask, position_bias, softcap, s_aux, window, getattr(module, "weights_watch", None))
    writes = gradient_is_written.get() and cache is None and not dropout
    if writes and can_write_gradient(query, prefix, scoring):
        before = None if prefix is None else (prefix.keys, prefix.values)
        output = attend(query, key, value, before, attention_mask, scaling)
    else:
        function = fused_attention if cache is None and can_fuse(query, scoring) else softmax_attention
        output = function(query * scaling, key, value, prefix, scoring, dropout)
    output = output.reshape(rows, -1, *output.shape[2:])
    return output if added is None else output + added, None


ALL_ATTENTION_FUNCTIONS.register(NAME, prefix_attention)
ALL_MASK_ATTENTION_FUNCTIONS.register(NAME, eager_mask)
