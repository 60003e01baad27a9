"""Batched beam search."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from prefixrun.config.schema import DecodeConfig
from prefixrun.decoding.candidates import Repetition, top_candidates
from prefixrun.decoding.hypotheses import BeamHypotheses, ngram_repeats, select_running_beams
from prefixrun.decoding.search import Active, Continuation
from prefixrun.models.backbone import Backbone


class BeamSearch:
    """A search.Strategy: the continuations with the best scores."""

    def __init__(self, backbone: Backbone, prompts: Sequence[Sequence[int]], config: DecodeConfig) -> None:
        self.beams = config.beams
        self._backbone, self._config = backbone, config
        self._read = tokens_read(backbone, prompts)
        self._always_banned = backbone.tokenizer.newlines() if config.ban_newlines else []
        self._searches = [
            BeamHypotheses(
                beams=config.beams,
                prompt_len=len(read),
                length_penalty=config.length_penalty,
                total_norm=config.length_norm == "total",
            )
            for read in self._read
        ]

    def step(self, hidden: Tensor, active: Active) -> list[Continuation | None]:
        """See Strategy.step."""
        config, end = self._config, self._backbone.tokenizer.end
        # 1. The best continuations of each input. Twice as many as beams, because half of them may end.
        candidates = top_candidates(
            hidden,
            self._backbone.logits,
            torch.tensor(active.scores, device=hidden.device),
            self._always_banned,
            2 * config.beams,
            banned_by_row(active, config, end),
            repetition(active, self._read, config.repetition_penalty, of_log_probabilities=config.beams > 1),
        )
        scores, parents, tokens = (values.tolist() for values in candidates)
        # 2. Those that end become hypotheses, the best of the others the next beams; an input may be done.
        selected = select_running_beams(
            [self._searches[index] for index in active.inputs],
            scores,
            parents,
            tokens,
            active.written,
            end=end,
            limit=config.max_new_tokens,
        )
        return [
            Continuation(*([values[number][rank] for rank in ranks] for values in (parents, tokens, scores)))
            if ranks
            else None
            for number, ranks in enumerate(selected)
        ]

    def outputs(self, index: int) -> list[list[int]]:
        """The best hypotheses, best first."""
        return [ids for _, ids in self._searches[index].finished[: self._config.outputs]]


def tokens_read(backbone: Backbone, prompts: Sequence[Sequence[int]]) -> Sequence[Sequence[int]]:
    """What the decoder has read before it writes: the prompts, or the start token behind an encoder."""
    return [[backbone.tokenizer.start]] * len(prompts) if backbone.is_seq2seq else prompts


def banned_by_row(active: Active, config: DecodeConfig, end: int) -> list[set[int]]:
    """What each beam may not write next: an end token before decode.min_new_tokens, an n-gram again."""
    return [
        ngram_repeats(ids, config.no_repeat_ngram) | ({end} if len(ids) < config.min_new_tokens else set())
        for written in active.written
        for ids in written
    ]


def repetition(
    active: Active, read: Sequence[Sequence[int]], penalty: float, *, of_log_probabilities: bool = False
) -> Repetition | None:
    """The penalty on what each beam has read and written; None for 1, which changes nothing."""
    if penalty == 1:
        return None
    pairs = zip(active.inputs, active.written, strict=True)
    tokens = [{*read[index], *ids} for index, written in pairs for ids in written]
    return Repetition(penalty, tokens, of_log_probabilities)
