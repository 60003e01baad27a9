"""The matrix products that training and decoding cannot do without, from the sizes of the model and of the data.

Counted are products of a frozen model with one of its weights, and those of attention. Training needs them forward and,
for the gradient of the input, backward, at the positions of the rows without padding. It does not need a gradient of a
stack's first input, which nothing trains, nor, in a decoder-only model, anything of the last layer behind its
attention's projections at positions that predict nothing. An encoder reads each source once, and so does the cross
attention's projection of its states. Weights have no gradients. Everything else that a program computes is time that it
could do without.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from torch import nn
from transformers.pytorch_utils import Conv1D

from prefixrun.models.attention import attention_sites, is_attention
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


Layer = tuple[int, int, bool]
"""Of a linear layer: numbers in, numbers out, and whether it projects the input of its block's attention."""

Work = Counter[Product]
"""How often each product is computed. A share of one counts where rows are of different lengths."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the products of a model depend on."""

    blocks: tuple[tuple[Layer, ...], ...]
    """Of the stack that writes, by block, without those that read an encoder's states."""
    kv_heads: int
    group: int
    """Query heads of a key/value head."""
    head_dim: int
    width: int
    vocabulary: int
    prefix_len: int
    encoder: tuple[tuple[Layer, ...], ...] = ()
    """The blocks of an encoder; none in a decoder-only model."""
    cross: tuple[Layer, ...] = ()
    """The layers of all blocks that project the encoder's states to keys and values."""


def sizes_of(backbone: Backbone, prefix_len: int) -> Sizes:
    """The sizes of a model with a prefix."""
    *encoders, decoder = stacks(backbone.model)
    cross = {id(module) for module in attention_sites(backbone.model).get("cross", ())}
    layers = [list(_linear_layers(block, cross)) for block in blocks(decoder)]
    shape = backbone.shape
    return Sizes(
        blocks=tuple(tuple(layer for layer, reads_encoder in block if not reads_encoder) for block in layers),
        kv_heads=shape.kv_heads,
        group=shape.heads // shape.kv_heads,
        head_dim=shape.head_dim,
        width=backbone.head.shape[1],
        vocabulary=shape.vocabulary,
        prefix_len=prefix_len,
        encoder=tuple(
            tuple(layer for layer, _ in _linear_layers(block, cross)) for stack in encoders for block in blocks(stack)
        ),
        cross=tuple(layer for block in layers for layer, reads_encoder in block if reads_encoder),
    )


def _linear_layers(block: nn.Module, cross: Collection[int]) -> Iterable[tuple[Layer, bool]]:
    """The linear layers of a block, and whether each reads an encoder's states. `cross`: ids of cross attentions."""
    inputs, of_encoder = set[int](), set[int]()
    # T5 calls the sub-layer around an attention one too.
    for module in (each for each in block.modules() if is_attention(each) and hasattr(each, "layer_idx")):
        parts = {name: id(part) for name, part in module.named_modules() if isinstance(part, (nn.Linear, Conv1D))}
        if id(module) in cross:
            of_encoder |= {part for name, part in parts.items() if name[0] in "kv"}
        else:
            inputs.update([*parts.values()][:-1])  # the last one projects the output
    for module in block.modules():
        if isinstance(module, (nn.Linear, Conv1D)):
            first, second = module.weight.shape
            ingoing, outgoing = (first, second) if isinstance(module, Conv1D) else (second, first)
            yield (ingoing, outgoing, id(module) in inputs), id(module) in of_encoder


def training_work(sizes: Sizes, rows: Sequence[Row]) -> Work:
    """The products of one step over a batch of rows."""
    labels = sum(len(target) for row in rows for target in row.targets)
    if sizes.encoder:
        work = _encoder_work(sizes, [len(row.source) for row in rows], with_gradient=True)
        work += _stack_work(sizes.blocks, labels, labels, with_gradient=True)
        for row in rows:
            for target in map(len, row.targets):
                for keys in (target, len(row.source)):  # itself, then the cross attention
                    work += _attention(sizes, target, keys, len(sizes.blocks), with_gradient=True)
    else:
        predicting = sum(1 + sum(len(target) - 1 for target in row.targets) for row in rows)
        work = _stack_work(sizes.blocks, sum(row.length for row in rows), predicting, with_gradient=True)
        for row in rows:
            work += _attention(sizes, row.length, row.length, len(sizes.blocks), with_gradient=True)
    work[Product(labels, sizes.width, sizes.vocabulary)] += 1
    work[Product(labels, sizes.vocabulary, sizes.width, is_backward=True)] += 1
    return work


def prefill_work(sizes: Sizes, lengths: Sequence[int]) -> Work:
    """The products of reading prompts of these lengths; behind the last layer's keys only their ends are needed. In an
    encoder-decoder the decoder reads one token for each."""
    if sizes.encoder:
        mean = sum(lengths) // len(lengths)
        return _encoder_work(sizes, lengths, with_gradient=False) + token_work(sizes, len(lengths), 1, mean, 1)
    work = _stack_work(sizes.blocks, sum(lengths), len(lengths), with_gradient=False)
    for length in lengths:
        work += _attention(sizes, length, length, len(sizes.blocks), with_gradient=False)
    work[Product(len(lengths), sizes.width, sizes.vocabulary)] += 1
    return work


def token_work(sizes: Sizes, inputs: int, beams: int, prompt: int, written: int) -> Work:
    """The products of one more token for each beam: `prompt` and `written` tokens stand before it, the prompt of an
    encoder-decoder in its cross attention."""
    work: Work = Counter()
    # The beams of an input share the keys of prefix and prompt; what they have written is each one's own.
    together = (0, prompt) if sizes.encoder else (prompt,)
    attended = [(keys + sizes.prefix_len, inputs, beams * sizes.group) for keys in together]
    for layers in sizes.blocks:
        for ingoing, outgoing, _ in layers:
            work[Product(inputs * beams, ingoing, outgoing)] += 1
        for keys, entries, queries in (*attended, (written, inputs * beams, sizes.group)):
            work[Product(queries, sizes.head_dim, keys, batch=entries * sizes.kv_heads)] += 1
            work[Product(queries, keys, sizes.head_dim, batch=entries * sizes.kv_heads)] += 1
    work[Product(inputs * beams, sizes.width, sizes.vocabulary)] += 1
    return work


def _encoder_work(sizes: Sizes, lengths: Sequence[int], *, with_gradient: bool) -> Work:
    """The products of encoding sources of these lengths, the cross attention's keys and values included."""
    positions = sum(lengths)
    work = _stack_work(sizes.encoder, positions, positions, with_gradient=with_gradient)
    for length in lengths:
        work += _attention(sizes, length, length, len(sizes.encoder), with_gradient=with_gradient)
    for ingoing, outgoing, _ in sizes.cross:
        work += _with_weight(positions, ingoing, outgoing, with_gradient=with_gradient)
    return work


def _stack_work(stack: Sequence[Sequence[Layer]], positions: int, at_the_end: int, *, with_gradient: bool) -> Work:
    """The products with the weights of a stack; behind the last block's attention `at_the_end` positions are needed."""
    work: Work = Counter()
    for index, layers in enumerate(stack):
        for ingoing, outgoing, is_input in layers:
            count = positions if is_input or index < len(stack) - 1 else at_the_end
            work += _with_weight(count, ingoing, outgoing, with_gradient=with_gradient and (index > 0 or not is_input))
    return work


def _with_weight(positions: int, ingoing: int, outgoing: int, *, with_gradient: bool) -> Work:
    """A product with a weight, and the one for the gradient of its input."""
    work: Work = Counter({Product(positions, ingoing, outgoing): 1})
    if with_gradient:
        work[Product(positions, outgoing, ingoing, is_backward=True)] += 1
    return work


def _attention(sizes: Sizes, queries: int, keys: int, layers: int, *, with_gradient: bool) -> Work:
    """Scores and sums of one row in some layers, the prefix among its keys: two products forward, and two for the
    gradients of each of them backward."""
    rows, times, seen = sizes.group * queries, layers * (2 if with_gradient else 1), keys + sizes.prefix_len
    work: Work = Counter()  # scores and sums may be of one size
    work[Product(rows, sizes.head_dim, seen, batch=sizes.kv_heads)] += times
    work[Product(rows, seen, sizes.head_dim, batch=sizes.kv_heads)] += times
    if with_gradient:  # of keys and values: (keys, rows) times (rows, head_dim)
        work[Product(seen, rows, sizes.head_dim, batch=sizes.kv_heads)] += 2 * layers
    return work
