"""From prompts to outputs, by beam search or by sampling."""

from __future__ import annotations

from collections.abc import Sequence

from prefixrun.config.schema import DecodeConfig
from prefixrun.decoding.beam_search import beam_search
from prefixrun.decoding.sampling import sample
from prefixrun.methods.base import Method
from prefixrun.models.backbone import Backbone


def generate_all(
    backbone: Backbone, method: Method, prompts: Sequence[Sequence[int]], config: DecodeConfig
) -> list[list[list[int]]]:
    """The outputs of each prompt, `config.outputs` or fewer, the one that is scored first, without their end tokens.

    Args:
        method: trained, see methods.restore.
        prompts: token ids, not padded.
        config: `batch_size` is the caller's concern.
    """
    return (sample if config.sample else beam_search)(backbone, method, prompts, config)


def generate(
    backbone: Backbone, method: Method, prompts: Sequence[Sequence[int]], config: DecodeConfig
) -> list[list[int]]:
    """The first output of each prompt, see generate_all."""
    return [outputs[0] for outputs in generate_all(backbone, method, prompts, config)]
