"""Discrete prompting: a text and examples in front of the input, nothing trained and nothing stored but token ids.

An example is a training pair exactly as the model reads one in training: input, separator, target, END. So the
examples show where an output ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from prefixrun.data.example import Pair
from prefixrun.data.subset import choose
from prefixrun.errors import ConfigError
from prefixrun.methods.init import activations
from prefixrun.methods.prefix import FixedPrefix

if TYPE_CHECKING:
    from prefixrun.models import Backbone
    from prefixrun.schema import Config
    from prefixrun.tokens import Tokenizer

NAME = "tokens"
"""Of the stored token ids of the prompt: (length,), int64."""


class Prompt(FixedPrefix):
    """The activations of the prompt's tokens: what the model computes when the tokens stand in front of each input."""

    def __init__(self, backbone: Backbone, ids: Sequence[int]) -> None:
        super().__init__({"decoder": activations(backbone, list(ids))})
        self.ids = tuple(ids)

    def stored(self) -> dict[str, Tensor]:
        """No parameters; see `tokens` for what a run keeps."""
        return {}


def shown_pairs(config: Config, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """The examples: `method.shots` of the selected training pairs, chosen with subsample_seed. Raises ConfigError."""
    if config.method.shots > len(pairs):
        raise ConfigError(
            f"method.shots={config.method.shots}: there are {len(pairs)} selected training pairs; take fewer examples "
            "or more pairs"
        )
    return choose(tuple(pairs), config.method.shots, config.subsample_seed) if config.method.shots else ()


def tokens(config: Config, tokenizer: Tokenizer, pairs: Sequence[Pair]) -> list[int]:
    """Ids of the instruction (method.instruction, else the task's words) and the examples. Raises ConfigError."""
    instruction = config.method.instruction or config.task.default_words
    lines = tokenizer.layout == "lines"
    ids = tokenizer.text(f"{instruction.strip()}\n" if lines else f" {instruction.strip()}") if instruction else []
    for pair in shown_pairs(config, pairs):
        ids += [
            *tokenizer.source(pair.source),
            *tokenizer.target(pair.target),
            *(tokenizer.text("\n") if lines else []),
        ]
    return ids


def restore(config: Config, backbone: Backbone, tensors: Mapping[str, Tensor]) -> Prompt:
    """From the token ids that a run keeps."""
    return Prompt(backbone, tensors[NAME].to(torch.long).tolist())
