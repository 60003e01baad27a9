"""From prompts to outputs, by beam search or by sampling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prefixrun.config.schema import DecodeConfig
from prefixrun.decoding.beam_search import BeamSearch
from prefixrun.decoding.sampling import Sampling
from prefixrun.decoding.search import decode_queue
from prefixrun.methods.base import Method
from prefixrun.models.backbone import Backbone
from prefixrun.models.recorded_steps import RecordedSteps


def generate_each(
    backbone: Backbone, method: Method, prompts: Sequence[Sequence[int]], config: DecodeConfig
) -> Iterator[tuple[int, list[list[int]]]]:
    """The index and the outputs of each prompt as soon as it is done, `config.batch_size` of them at work at a time.

    The outputs are `config.outputs` or fewer token ids each, the one that is scored first, without their end tokens.

    Args:
        method: trained, see methods.restore.
        prompts: token ids, not padded; those of like length next to each other save padding.
    """
    strategy = (Sampling if config.sample else BeamSearch)(backbone, prompts, config)
    has_graphs = config.graphs and backbone.head.device.type == "cuda"
    steps = RecordedSteps() if has_graphs else None
    return decode_queue(backbone, method, prompts, strategy, config.batch_size, steps)


def generate_all(
    backbone: Backbone, method: Method, prompts: Sequence[Sequence[int]], config: DecodeConfig
) -> list[list[list[int]]]:
    """The outputs of each prompt, see generate_each; all of them are read at once, whatever `config.batch_size` is."""
    strategy = (Sampling if config.sample else BeamSearch)(backbone, prompts, config)
    outputs = dict(decode_queue(backbone, method, prompts, strategy, max(1, len(prompts))))
    return [outputs[index] for index in range(len(prompts))]


def generate(
    backbone: Backbone, method: Method, prompts: Sequence[Sequence[int]], config: DecodeConfig
) -> list[list[int]]:
    """The first output of each prompt, see generate_all."""
    return [outputs[0] for outputs in generate_all(backbone, method, prompts, config)]
