"""The softmax over the keys of a prefix and of the text, and which kernel computes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from prefixrun.models.prefix_kv import PrefixKV, fold_rows, unfold_rows

FUSED_DEVICES = ("cuda", "xpu")
"""Where torch's kernel for attention is taken. On a CPU it is not: it would change the last digits of numbers that are
on record."""


Watch = Callable[[Tensor], None]
"""Looks at the attention weights of a module: (rows, kv_heads, group, queries, length + keys), the prefix's first.
Query head k * group + i is at [k, i]."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which keys lie within the window of a query."""

    text: Tensor
    """(rows or 1, 1, 1, queries, keys), true where a query sees a key of the text."""
    prefix: Tensor | None
    """(rows or 1, 1, 1, queries, length), the same of the prefix's keys."""


def key_window(
    size: int | None, positions: Tensor | None, query: Tensor, key: Tensor, prefix: PrefixKV | None, text: Tensor | None
) -> Window | None:
    """None where every query sees all keys, as where there are no more of them than the window is long."""
    rows, queries, keys = len(query), query.shape[2], key.shape[2]
    if size is None or keys + (0 if prefix is None else prefix.keys.shape[2]) <= size:
        return None
    if positions is None:
        positions = torch.arange(keys - queries, keys, device=query.device)[None]
    # A search passes the positions of its keys; otherwise they are those of the queries, or right before the last one.
    if text is None:
        text = positions if keys == queries else positions[:, -1:] + torch.arange(1 - keys, 1, device=query.device)
    of_text = positions[:, :, None] - text[:, None, :] < size
    of_prefix = None
    if prefix is not None:
        entries = prefix.positions.repeat_interleave(rows // len(prefix.positions), dim=0)
        of_prefix = (positions[:, :, None] - entries[:, None, :] < size)[:, None, None]
    return Window(of_text[:, None, None], of_prefix)


@dataclass(frozen=True, slots=True)
class Scoring:
    """What happens to scores before the softmax; see `attention.prefix_attention`."""

    mask: Tensor | None
    position_bias: Tensor | None
    softcap: float | None
    sink: Tensor | None
    window: Window | None
    watch: Watch | None = None

    def capped(self, scores: Tensor) -> Tensor:
        """The scores within the soft cap."""
        return scores if self.softcap is None else torch.tanh(scores / self.softcap) * self.softcap

    def visible(self, scores: Tensor, seen: Tensor | None) -> Tensor:
        """The scores, the lowest number where a key is not seen. Not added: the library's masks hide these too."""
        return scores if seen is None else scores.masked_fill(~seen, torch.finfo(scores.dtype).min)


def softmax_attention(
    query: Tensor, key: Tensor, value: Tensor, prefix: PrefixKV | None, scoring: Scoring, dropout: float
) -> Tensor:
    """Arguments and result of `attention.prefix_attention`, the queries scaled.

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


def can_write_gradient(query: Tensor, prefix: PrefixKV | None, scoring: Scoring) -> bool:
    """Whether attention_gradient computes the same: a plain softmax with one prefix for all rows, on a CPU."""
    others = (scoring.position_bias, scoring.softcap, scoring.sink, scoring.window, scoring.watch)
    is_shared = prefix is None or (len(prefix.keys) == 1 and prefix.bias is None)
    is_plain = is_shared and all(other is None for other in others)
    return is_plain and query.device.type == "cpu"


def can_fuse(query: Tensor, scoring: Scoring) -> bool:
    """Whether torch's kernel may take its place: it knows scores to which something is added, and no others.

    A decoding step, with a query a beam, is not for it: here no keys are copied for the heads that share them.
    """
    is_plain = scoring.softcap is None and scoring.sink is None and scoring.watch is None
    return is_plain and query.shape[2] > 1 and query.device.type in FUSED_DEVICES


def fused_attention(
    query: Tensor, key: Tensor, value: Tensor, prefix: PrefixKV | None, scoring: Scoring, dropout: float
) -> Tensor:
    """As `softmax_attention`, by scaled_dot_product_attention: on a GPU one kernel that writes no scores out."""
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
        key = torch.cat([_repeated(prefix.keys, share, 0), key], dim=2)
        value = torch.cat([_repeated(prefix.values, share, 0), value], dim=2)
    output = nn.functional.scaled_dot_product_attention(
        query,
        _repeated(key, group, 1),
        _repeated(value, group, 1),
        attn_mask=mask.to(query.dtype),
        dropout_p=dropout,
        scale=1.0,  # the queries are scaled
    )
    return output.transpose(1, 2)


def _repeated(tensor: Tensor, times: int, dim: int) -> Tensor:
    """`repeat_interleave`, which would copy what is wanted once too."""
    return tensor if times == 1 else tensor.repeat_interleave(times, dim=dim)


def _alike(before: Tensor, after: Tensor) -> list[Tensor]:
    """Both masks with the same rows, heads and queries, one or all of them each."""
    sizes = [max(before.shape[dim], after.shape[dim]) for dim in range(3)]
    return [mask.expand(*sizes, -1) for mask in (before, after)]


def _prefix_scores(query: Tensor, prefix: PrefixKV, scoring: Scoring) -> Tensor:
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
