"""The matrix products that training and decoding cannot do without, from the sizes of the model and of the data.

Counted are products of a frozen decoder-only model with one of its weights, and those of attention. Training needs them
forward and, for the gradient of the input, backward, at the positions of the rows without padding. It does not need a
gradient of the first layer's input, which nothing trains, nor anything of the last layer behind its attention's
projections at positions that predict nothing. Weights have no gradients. Everything else that a program computes is
time that it could do without.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import nn
from transformers.pytorch_utils import Conv1D

from prefixrun.models.attention import is_attention
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Row
from prefixrun.models.blocks import blocks, stacks


@dataclass(frozen=True, slots=True, order=True)
class Product:
    """(rows, inner) times (inner, columns): with a weight, or `batch` of them where neither side is one."""

    rows: int
    inner: int
    columns: int
    batch: int = 0
    """0 for a product with a weight."""
    is_backward: bool = False
    """The weight is read across: for the gradient of the input."""

    @property
    def operations(self) -> int:
        """Multiplications and additions."""
        return 2 * max(1, self.batch) * self.rows * self.inner * self.columns


Work = Counter[Product]
"""How often each product is computed. A share of one counts where rows are of different lengths."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the products of a decoder-only model depend on."""

    blocks: tuple[tuple[tuple[int, int, bool], ...], ...]
    """By block, the linear layers: numbers in, numbers out, and whether it projects the input of an attention."""
    kv_heads: int
    group: int
    """Query heads of a key/value head."""
    head_dim: int
    width: int
    vocabulary: int
    prefix_len: int


def sizes_of(backbone: Backbone, prefix_len: int) -> Sizes:
    """The sizes of a model with a prefix."""
    (stack,), shape = stacks(backbone.model), backbone.shape
    heads: int = backbone.model.config.num_attention_heads
    return Sizes(
        blocks=tuple(tuple(_linear_layers(block)) for block in blocks(stack)),
        kv_heads=shape.kv_heads,
        group=heads // shape.kv_heads,
        head_dim=shape.head_dim,
        width=backbone.head.shape[1],
        vocabulary=shape.vocabulary,
        prefix_len=prefix_len,
    )


def _linear_layers(block: nn.Module) -> Iterable[tuple[int, int, bool]]:
    in_attention = [
        [id(part) for part in module.modules() if isinstance(part, (nn.Linear, Conv1D))]
        for module in block.modules()
        if is_attention(module)
    ]
    inputs = {part for parts in in_attention for part in parts[:-1]}  # the last one projects the output
    for module in block.modules():
        if isinstance(module, (nn.Linear, Conv1D)):
            first, second = module.weight.shape
            ingoing, outgoing = (first, second) if isinstance(module, Conv1D) else (second, first)
            yield ingoing, outgoing, id(module) in inputs


def training_work(sizes: Sizes, rows: Sequence[Row]) -> Work:
    """The products of one step over a batch of rows."""
    work: Work = Counter()
    positions = sum(row.length for row in rows)
    predicting = sum(1 + sum(len(target) - 1 for target in row.targets) for row in rows)
    labels = sum(len(target) for row in rows for target in row.targets)
    last = len(sizes.blocks) - 1
    for index, layers in enumerate(sizes.blocks):
        for ingoing, outgoing, is_input in layers:
            count = positions if is_input or index < last else predicting
            work[Product(count, ingoing, outgoing)] += 1
            if index or not is_input:
                work[Product(count, outgoing, ingoing, is_backward=True)] += 1
        for row in rows:
            work += _attention(sizes, row.length, row.length + sizes.prefix_len, with_gradient=True)
    work[Product(labels, sizes.width, sizes.vocabulary)] += 1
    work[Product(labels, sizes.vocabulary, sizes.width, is_backward=True)] += 1
    return work


def prefill_work(sizes: Sizes, lengths: Sequence[int]) -> Work:
    """The products of reading prompts of these lengths; behind the last layer's keys only their ends are needed."""
    work: Work = Counter()
    last = len(sizes.blocks) - 1
    for index, layers in enumerate(sizes.blocks):
        for ingoing, outgoing, is_input in layers:
            work[Product(sum(lengths) if is_input or index < last else len(lengths), ingoing, outgoing)] += 1
        for length in lengths:
            work += _attention(sizes, length, length + sizes.prefix_len, with_gradient=False)
    work[Product(len(lengths), sizes.width, sizes.vocabulary)] += 1
    return work


def token_work(sizes: Sizes, inputs: int, beams: int, prompt: int, written: int) -> Work:
    """The products of one more token for each beam: `prompt` and `written` tokens stand before it."""
    work: Work = Counter()
    for layers in sizes.blocks:
        for ingoing, outgoing, _ in layers:
            work[Product(inputs * beams, ingoing, outgoing)] += 1
        # The beams of an input share the keys of prefix and prompt; what they have written is each one's own.
        shared, group = prompt + sizes.prefix_len, sizes.group
        for keys, entries, queries in ((shared, inputs, beams * group), (written, inputs * beams, group)):
            work[Product(queries, sizes.head_dim, keys, batch=entries * sizes.kv_heads)] += 1
            work[Product(queries, keys, sizes.head_dim, batch=entries * sizes.kv_heads)] += 1
    work[Product(inputs * beams, sizes.width, sizes.vocabulary)] += 1
    return work


def _attention(sizes: Sizes, queries: int, keys: int, *, with_gradient: bool) -> Work:
    """Scores and sums of one row: two products forward, and two for the gradients of each of them backward."""
    rows, times = sizes.group * queries, 2 if with_gradient else 1
    scores = Product(rows, sizes.head_dim, keys, batch=sizes.kv_heads)
    sums = Product(rows, keys, sizes.head_dim, batch=sizes.kv_heads)
    work: Work = Counter({scores: times, sums: times})
    if with_gradient:  # of keys and values: (keys, rows) times (rows, head_dim)
        work[Product(keys, rows, sizes.head_dim, batch=sizes.kv_heads)] += 2
    return work
