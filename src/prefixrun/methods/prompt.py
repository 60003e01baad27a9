"""Discrete prompting: a text and examples in front of the input, nothing trained and nothing stored but token ids.

How they become tokens: see `context`. In a chat the instruction is part of every turn; without examples the model is
then as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from prefixrun.data.example import Pair
from prefixrun.methods import context
from prefixrun.methods.base import Method
from prefixrun.methods.init import activations
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.models.batches import Batch, LossMode, Row
from prefixrun.models.prefill import PrefillState

if TYPE_CHECKING:
    from prefixrun.config.schema import Config
    from prefixrun.models.backbone import Backbone
    from prefixrun.models.tokenizer import Tokenizer

NAME = "tokens"
"""Of the stored token ids of the prompt: (length,), int64."""


class Prompt(FixedPrefix):
    """The activations of the prompt's tokens: what the model computes when the tokens stand in front of each input.

    The token that a sequence begins with stands in front of the prompt and no more behind it.
    """

    def __init__(self, backbone: Backbone, ids: Sequence[int]) -> None:
        shape = backbone.shape
        nothing = torch.zeros(shape.layers, 2, shape.kv_heads, 0, shape.head_dim)
        super().__init__({"decoder": activations(backbone, list(ids)) if ids else nothing})
        self.ids = tuple(ids)
        self._begin = len(backbone.tokenizer.begin) if ids else 0

    def collate(self, backbone: Backbone, rows: Sequence[Row], loss_mode: LossMode) -> Batch:
        return super().collate(backbone, [Row(row.source[self._begin :], row.targets) for row in rows], loss_mode)

    def prefill(self, backbone: Backbone, prompts: Sequence[Sequence[int]]) -> PrefillState:
        return super().prefill(backbone, [source[self._begin :] for source in prompts])

    def trained_tensors(self) -> dict[str, Tensor]:
        """No parameters; see `tokens` for what a run keeps."""
        return {}


class EncoderPrompt(Method):
    """The prompt's tokens in front of each input that the encoder of an encoder-decoder reads."""

    def __init__(self, backbone: Backbone, ids: Sequence[int]) -> None:
        super().__init__()
        self.ids = tuple(ids)
        self._begin = len(backbone.tokenizer.begin)

    def collate(self, backbone: Backbone, rows: Sequence[Row], loss_mode: LossMode) -> Batch:
        return super().collate(backbone, [Row(self._behind(row.source), row.targets) for row in rows], loss_mode)

    def prefill(self, backbone: Backbone, prompts: Sequence[Sequence[int]]) -> PrefillState:
        return super().prefill(backbone, [self._behind(source) for source in prompts])

    def _behind(self, source: Sequence[int]) -> tuple[int, ...]:
        """An input behind the prompt, and both behind the token that each sequence of the model begins with."""
        return (*source[: self._begin], *self.ids, *source[self._begin :])


def shown_pairs(config: Config, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """The examples: `method.shots` of the selected training pairs. Raises ConfigError."""
    return context.shown_pairs("method.shots", config.method.shots, pairs, config.subsample_seed)


def tokens(config: Config, tokenizer: Tokenizer, pairs: Sequence[Pair]) -> list[int]:
    """Ids of the instruction (method.instruction, else the task's words) and the examples. Raises ConfigError."""
    instruction = config.method.instruction or config.task.default_words
    return context.context_ids(tokenizer, instruction, shown_pairs(config, pairs))


def restore(config: Config, backbone: Backbone, tensors: Mapping[str, Tensor]) -> Method:
    """From the token ids that a run keeps."""
    ids = tensors[NAME].to(torch.long).tolist()
    return EncoderPrompt(backbone, ids) if backbone.is_seq2seq else Prompt(backbone, ids)
