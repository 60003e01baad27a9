"""What training a method does to the model on text that has nothing to do with the task.

The loss on plain prose (data.plain_text) of the model by itself and with the trained method, in nats a token. A method
that is attached to every input changes the model for every text: what it adds to this loss is what the model has lost
of its language while the method is attached. Without the method the frozen model is as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.data.plain_text import passages
from prefixrun.methods.base import Method
from prefixrun.methods.prompt import EncoderPrompt, Prompt
from prefixrun.models.batches import PairIds
from prefixrun.training.batch_loss import mean_nll

if TYPE_CHECKING:
    from prefixrun.config.schema import Config
    from prefixrun.models.backbone import Backbone

LONGEST = 128
"""Tokens that are read of each passage, so that it takes about a second on a processor."""


def forgetting(config: Config, backbone: Backbone, method: Method) -> dict[str, Any] | None:
    """`before`: the loss of the model by itself; `after`: with `method`, trained; `tokens`: how many were predicted.

    None where the method leaves the model no positions for a text.
    """
    pairs = _pairs(backbone, method, _room(config, backbone, method))
    if not pairs:
        return None
    return {
        "before": mean_nll(Method(), backbone, pairs),
        "after": mean_nll(method, backbone, pairs),
        "tokens": sum(len(pair.target) for pair in pairs),
    }


def _room(config: Config, backbone: Backbone, method: Method) -> int:
    """Tokens of a passage that fit beside what the method puts in front of it."""
    context = backbone.shape.context
    if context is None:
        return LONGEST
    if backbone.is_seq2seq:  # the encoder reads half of a passage, behind a prompt and between its own tokens
        prompt = len(method.ids) if isinstance(method, EncoderPrompt) else 0
        half = context - prompt - len(backbone.tokenizer.begin) - len(backbone.tokenizer.source_end)
        return max(0, min(LONGEST, 2 * half))
    length = config.prefix_len if METHOD_SPECS[config.method.name].has_init else method.offset
    return max(0, min(LONGEST, context - length))


def _pairs(backbone: Backbone, method: Method, longest: int) -> list[PairIds]:
    """The passages as inputs and outputs: a decoder-only model predicts all but the first token, or all behind the
    token that its sequences begin with (and behind one more, where a prompt has that token in front of it); an encoder
    reads the first half, and its decoder predicts the other."""
    tokenizer, pairs = backbone.tokenizer, []
    for passage in passages():
        begin = () if backbone.is_seq2seq else tuple(tokenizer.begin)
        ids = (*begin, *tokenizer.text(passage))[:longest]
        first = len(begin) + 1 if isinstance(method, Prompt) else max(1, len(begin))
        start = len(ids) // 2 if backbone.is_seq2seq else first
        source, target = ids[:start], ids[start:]
        if backbone.is_seq2seq:
            source = (*tokenizer.begin, *source, *tokenizer.source_end)
        if source and target:
            pairs.append(PairIds(source, target))
    return pairs
