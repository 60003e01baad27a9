"""Attention with a prefix, for the attention modules of transformers.

transformers lets the attention modules of most models call a registered attention function. The one here adds the
module's `prefix_kv` (a trained prefix, or the prompt that beams share) to the softmax. It is applied after the
library's cache update, so no cache ever holds the prefix and generation cannot drop it. For the rest a prefix is what
the same keys and values in the library's cache would be: it stands at the positions before the text's, also where a
module sees a window of positions alone.

This file, kv_cache, beam_cache and transformers_names alone rely on how transformers attends and caches. Here that is:
the registries `ALL_ATTENTION_FUNCTIONS` and `ALL_MASK_ATTENTION_FUNCTIONS`, the arguments of an attention function
(`prefix_attention` names those that change its result), and how attention modules are recognised (`attention_sites`).
tests/models/test_attention.py fails where a new version changes one of them, and `self_check` refuses a model that
computes something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
    can_fuse,
    can_write_gradient,
    fused_attention,
    key_window,
    softmax_attention,
)
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


Watch = Callable[[Tensor], None]
"""Looks at the attention weights of a module: (rows, kv_heads, group, queries, length + keys), the prefix's first.
Query head k * group + i is at [k, i]."""


@contextmanager
def watch_weights(model: PreTrainedModel, by_site: Mapping[str, Sequence[Watch | None]]) -> Iterator[None]:
    """The same for functions that see the weights of each pass; what is computed stays the same."""
    with _attached(model, "weights_watch", by_site):
        yield


@contextmanager
def _attached(model: PreTrainedModel, slot: str, by_site: Mapping[str, Sequence[object]]) -> Iterator[None]:
    """What stands in the attribute `slot` of the attention modules within the block; see `attach_prefix`."""
    sites = attention_sites(model)
    attached: list[tuple[nn.Module, object]] = []
    for site, per_layer in by_site.items():
        modules = sites.get(site, [])
        if len(modules) != len(per_layer):
            raise ValueError(f"{len(per_layer)} {slot} for {len(modules)} attention layers of site {site}")
        attached += zip(modules, per_layer, strict=True)
    outer = [getattr(module, slot, None) for module, _ in attached]
    for module, value in attached:
        setattr(module, slot, value)
    try:
        yield
    finally:
        for (module, _), value in zip(attached, outer, strict=True):
            setattr(module, slot, value)


@contextmanager
def recorded(model: PreTrainedModel, sites: Sequence[str]) -> Iterator[dict[str, list[tuple[Tensor, Tensor]]]]:
    """Collect the keys and values that attention modules compute within the block, without those of a prefix.

    Yields a mapping that has, after one forward pass, for each site and layer (keys, values): (rows, kv_heads,
    length, head_dim). Gradients flow through them.
    """
    modules = {site: attention_sites(model)[site] for site in sites}
    records: dict[str, list[tuple[Tensor, Tensor]]] = {site: [] for site in sites}
    for site, per_layer in modules.items():
        for module in per_layer:
            module.record = records[site].append  # type: ignore[assignment]
    try:
        yield records
    finally:
        for per_layer in modules.values():
            for module in per_layer:
                del module.record


@contextmanager
def unrecorded(module: nn.Module) -> Iterator[None]:
    """Let an attention module compute within the block without that it is collected; see `recorded`."""
    record = vars(module).pop("record", None)
    try:
        yield
    finally:
        if record is not None:
            module.record = record


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
<<<<<<< HEAD
    scoring = Scoring(attention_mask, position_bias, softcap, s_aux, window)
=======
    scoring = _Scoring(attention_mask, position_bias, softcap, s_aux, window, getattr(module, "weights_watch", None))
>>>>>>> 6c47653 (A finished prefix is read: its nearest words, the attention it gets, and the loss without its parts)
    writes = gradient_is_written.get() and cache is None and not dropout
    if writes and can_write_gradient(query, prefix, scoring):
        before = None if prefix is None else (prefix.keys, prefix.values)
        output = attend(query, key, value, before, attention_mask, scaling)
    else:
        function = fused_attention if cache is None and can_fuse(query, scoring) else softmax_attention
        output = function(query * scaling, key, value, prefix, scoring, dropout)
    output = output.reshape(rows, -1, *output.shape[2:])
    return output if added is None else output + added, None


<<<<<<< HEAD
=======
@dataclass(frozen=True, slots=True)
class _Window:
    """Which keys lie within the window of a query."""

    text: Tensor
    """(rows or 1, 1, 1, queries, keys), true where a query sees a key of the text."""
    prefix: Tensor | None
    """(rows or 1, 1, 1, queries, length), the same of the prefix's keys."""


def _window(
    size: int | None, positions: Tensor | None, query: Tensor, key: Tensor, prefix: PrefixKV | None, text: Tensor | None
) -> _Window | None:
    """None where every query sees all keys, as where there are no more of them than the window is long."""
    rows, queries, keys = len(query), query.shape[2], key.shape[2]
    if size is None or keys + (0 if prefix is None else prefix.keys.shape[2]) <= size:
        return None
    if positions is None:
        positions = torch.arange(keys - queries, keys, device=query.device)[None]
    # Those of a search are told; otherwise keys are at the positions of the queries, or right before the last one.
    if text is None:
        text = positions if keys == queries else positions[:, -1:] + torch.arange(1 - keys, 1, device=query.device)
    of_text = positions[:, :, None] - text[:, None, :] < size
    of_prefix = None
    if prefix is not None:
        entries = prefix.positions.repeat_interleave(rows // len(prefix.positions), dim=0)
        of_prefix = (positions[:, :, None] - entries[:, None, :] < size)[:, None, None]
    return _Window(of_text[:, None, None], of_prefix)


@dataclass(frozen=True, slots=True)
class _Scoring:
    """What happens to scores before the softmax; see `prefix_attention`."""

    mask: Tensor | None
    position_bias: Tensor | None
    softcap: float | None
    sink: Tensor | None
    window: _Window | None
    watch: Watch | None = None

    def capped(self, scores: Tensor) -> Tensor:
        """The scores within the soft cap."""
        return scores if self.softcap is None else torch.tanh(scores / self.softcap) * self.softcap

    def visible(self, scores: Tensor, seen: Tensor | None) -> Tensor:
        """The scores, the lowest number where a key is not seen. Not added: the library's masks hide these too."""
        return scores if seen is None else scores.masked_fill(~seen, torch.finfo(scores.dtype).min)


def _attend(
    query: Tensor, key: Tensor, value: Tensor, prefix: PrefixKV | None, scoring: _Scoring, dropout: float
) -> Tensor:
    """Arguments and result of `prefix_attention`, the queries scaled.

    softmax([q P_k^T ; q K^T]) [P_v ; V] is computed without writing [P_k ; K] out, which would copy the prefix once a
    row: the scores of both parts are concatenated for one softmax, and its weights are split again for the sum
    w_P P_v + w_K V.
    """
    rows, heads, queries, head_dim = query.shape
    kv_heads, keys = key.shape[1], key.shape[2]

    # Grouped heads (Llama): query heads k * group, ..., k * group + group - 1 read key/value head k. They are folded
    # into the query axis, so that one product serves them all and keys are not repeated (as repeat_kv would).
    group = heads // kv_heads
    query = query.reshape(rows, kv_heads, group, queries, head_dim)
    folded = query.reshape(rows, kv_heads, group * queries, head_dim)

    # Scores of the text's keys: (rows, kv_heads, group, queries, keys).
    scores = torch.matmul(folded, key.transpose(2, 3)).view(rows, kv_heads, group, queries, keys)
    scores = scoring.capped(scores)
    if scoring.position_bias is not None:
        bias = scoring.position_bias
        scores = scores + bias.view(len(bias), kv_heads, group, queries, keys)
    if scoring.mask is not None:
        scores = scores + scoring.mask.unsqueeze(1)
    scores = scoring.visible(scores, scoring.window.text if scoring.window else None)

    # One softmax over both parts, in float32 as in the library's own attention; a sink takes its share of the weight.
    prefix_len = 0
    if prefix is not None:
        prefix_len = prefix.keys.shape[2]
        before = _prefix_scores(query, prefix, scoring)
        before = scoring.visible(before, scoring.window.prefix if scoring.window else None)
        scores = torch.cat([before, scores], dim=-1)
    if scoring.sink is not None:
        sink = scoring.sink.to(scores.dtype).view(1, kv_heads, group, 1, 1).expand(*scores.shape[:-1], 1)
        scores = torch.cat([scores, sink], dim=-1)
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(value.dtype)[..., : prefix_len + keys]
    if scoring.watch is not None:
        scoring.watch(weights)
    if dropout:
        weights = nn.functional.dropout(weights, p=dropout)

    # The weighted sum of the values, the text's and then the prefix's.
    text_weights = weights[..., prefix_len:].reshape(rows, kv_heads, group * queries, keys)
    output = torch.matmul(text_weights, value).view(rows, kv_heads, group, queries, head_dim)
    if prefix is not None:
        output = output + _prefix_output(weights[..., :prefix_len], prefix)
    return output.permute(0, 3, 1, 2, 4).reshape(rows, queries, heads, head_dim)


def _can_write_gradient(query: Tensor, prefix: PrefixKV | None, scoring: _Scoring) -> bool:
    """Whether attention_gradient computes the same: a plain softmax with one prefix for all rows, in float32."""
    others = (scoring.position_bias, scoring.softcap, scoring.sink, scoring.window, scoring.watch)
    is_shared = prefix is None or (len(prefix.keys) == 1 and prefix.bias is None)
    is_plain = is_shared and all(other is None for other in others)
    return is_plain and query.dtype == torch.float32 and query.device.type == "cpu"


def _can_fuse(query: Tensor, scoring: _Scoring) -> bool:
    """Whether torch's kernel may take the place of `_attend`: it knows scores to which something is added, no others.

    A decoding step, with a query a beam, is left to `_attend`, which copies no keys for the heads that share them.
    """
    is_plain = scoring.softcap is None and scoring.sink is None and scoring.watch is None
    return is_plain and query.shape[2] > 1 and query.device.type in FUSED_DEVICES


def _attend_fused(
    query: Tensor, key: Tensor, value: Tensor, prefix: PrefixKV | None, scoring: _Scoring, dropout: float
) -> Tensor:
    """As `_attend`, by scaled_dot_product_attention: on a GPU one kernel that writes no scores out."""
    rows, heads, queries, _ = query.shape
    group, keys = heads // key.shape[1], key.shape[2]
    mask = query.new_zeros(1, 1, queries, keys) if scoring.mask is None else scoring.mask
    if scoring.position_bias is not None:
        mask = mask + scoring.position_bias
    if scoring.window is not None:
        mask = scoring.visible(mask, scoring.window.text.squeeze(2))
    if prefix is not None:
        share = rows // len(prefix.keys)
        before = query.new_zeros(1, 1, 1, 1) if prefix.bias is None else prefix.bias.repeat_interleave(share, dim=0)
        before = before.expand(-1, -1, -1, prefix.keys.shape[2])
        if scoring.window is not None and scoring.window.prefix is not None:
            before = scoring.visible(before, scoring.window.prefix.squeeze(2))
        mask = torch.cat(_alike(before, mask), dim=3)
        key = torch.cat([prefix.keys.repeat_interleave(share, dim=0), key], dim=2)
        value = torch.cat([prefix.values.repeat_interleave(share, dim=0), value], dim=2)
    output = nn.functional.scaled_dot_product_attention(
        query,
        key.repeat_interleave(group, dim=1),
        value.repeat_interleave(group, dim=1),
        attn_mask=mask.to(query.dtype),
        dropout_p=dropout,
        scale=1.0,  # the queries are scaled
    )
    return output.transpose(1, 2)


def _alike(before: Tensor, after: Tensor) -> list[Tensor]:
    """Both masks with the same rows, heads and queries, one or all of them each."""
    sizes = [max(before.shape[dim], after.shape[dim]) for dim in range(3)]
    return [mask.expand(*sizes, -1) for mask in (before, after)]


def _prefix_scores(query: Tensor, prefix: PrefixKV, scoring: _Scoring) -> Tensor:
    """query: (rows, kv_heads, group, queries, head_dim), scaled. Returns (rows, kv_heads, group, queries, length)."""
    rows, _, group, queries, _ = query.shape
    scores = scoring.capped(torch.matmul(fold_rows(query, len(prefix.keys)), prefix.keys.transpose(2, 3)))
    if prefix.bias is not None:
        scores = scores + prefix.bias
    return unfold_rows(scores, rows, group, queries)


def _prefix_output(weights: Tensor, prefix: PrefixKV) -> Tensor:
    """weights: (rows, kv_heads, group, queries, length). Returns (rows, kv_heads, group, queries, head_dim)."""
    rows, _, group, queries, _ = weights.shape
    output = torch.matmul(fold_rows(weights, len(prefix.values)), prefix.values)
    return unfold_rows(output, rows, group, queries)


>>>>>>> 6c47653 (A finished prefix is read: its nearest words, the attention it gets, and the loss without its parts)
ALL_ATTENTION_FUNCTIONS.register(NAME, prefix_attention)
ALL_MASK_ATTENTION_FUNCTIONS.register(NAME, eager_mask)
