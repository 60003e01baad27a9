"""Outputs drawn from the model's distribution, token by token.

The distribution is changed in the order of transformers' logits processors: penalty of repetitions, banned tokens,
temperature, the k most likely tokens, the nucleus. Which token is drawn is decided by a uniform number that depends on
the seed, the input, the sample and the step alone, so the samples of an input are the same in any batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from prefixrun.config.schema import DecodeConfig
from prefixrun.decoding.beam_search import banned_by_row, repetition, tokens_read
from prefixrun.decoding.candidates import indices_of
from prefixrun.decoding.search import Active, Continuation
from prefixrun.models.backbone import Backbone


class Sampling:
    """A search.Strategy: `config.outputs` samples of each prompt, drawn independently."""

    def __init__(self, backbone: Backbone, prompts: Sequence[Sequence[int]], config: DecodeConfig) -> None:
        self.beams = config.outputs
        self._backbone, self._config = backbone, config
        self._read = tokens_read(backbone, prompts)
        self._always_banned = backbone.tokenizer.newlines() if config.ban_newlines else []
        self._prompts = prompts
        self._draws: dict[int, Tensor] = {}
        self._outputs: dict[int, list[list[int]]] = {}

    def step(self, hidden: Tensor, active: Active) -> list[Continuation | None]:
        """See Strategy.step. An input is done when all of its samples have an end token."""
        config, end = self._config, self._backbone.tokenizer.end
        # 1. The logits of each row, of which there is one an input before the first step.
        inputs, rows, width = hidden.shape
        logits = self._backbone.logits(hidden.reshape(-1, width)).float()
        if penalty := repetition(active, self._read, config.repetition_penalty):
            logits = penalty.apply(logits)
        logits[:, self._always_banned] = -torch.inf
        logits[indices_of(banned_by_row(active, config, end), logits.device)] = -torch.inf
        # 2. A token for each sample.
        probabilities = restricted(logits, config).view(inputs, rows, -1).expand(-1, self.beams, -1)
        draws = torch.stack([self._draws_of(index)[:, len(written[0])] for index, written in _pairs(active)])
        tokens = draw(probabilities, draws)
        scores = probabilities.gather(2, tokens.unsqueeze(2))[..., 0].log().tolist()
        # 3. What a sample writes behind its end token is cut off.
        parents = [min(number, rows - 1) for number in range(self.beams)]
        continuations: list[Continuation | None] = []
        for (index, written), new, new_scores in zip(_pairs(active), tokens.tolist(), scores, strict=True):
            texts = [[*written[parent], token] for parent, token in zip(parents, new, strict=True)]
            is_done = len(texts[0]) == config.max_new_tokens or all(end in ids for ids in texts)
            if is_done:
                self._outputs[index] = [ids[: ids.index(end)] if end in ids else ids for ids in texts]
            continuations.append(None if is_done else Continuation(parents, new, new_scores))
        return continuations

    def outputs(self, index: int) -> list[list[int]]:
        """The samples in the order of their numbers."""
        return self._outputs[index]

    def _draws_of(self, index: int) -> Tensor:
        """The uniform numbers of an input; they are worked out when it begins."""
        if index not in self._draws:
            self._draws[index] = uniform_numbers(self._prompts[index], self._config)
        return self._draws[index]


def _pairs(active: Active) -> Iterator[tuple[int, list[list[int]]]]:
    """Index and outputs so far of each input."""
    return zip(active.inputs, active.written, strict=True)


def restricted(logits: Tensor, config: DecodeConfig) -> Tensor:
    """The probabilities of the tokens that may be drawn: (rows, vocabulary), each row adds up to 1."""
    logits = logits / config.temperature
    if config.top_k:
        least = logits.topk(min(config.top_k, logits.shape[1]), dim=1).values[:, -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    if config.top_p < 1:
        # The smallest set of the most likely tokens whose probability reaches top_p: a token is left out when those
        # before it have as much already. The most likely one always stays.
        ordered, order = logits.sort(dim=1, descending=True, stable=True)
        probabilities = ordered.softmax(dim=1)
        outside = probabilities.cumsum(dim=1) - probabilities >= config.top_p
        logits = logits.scatter(1, order, ordered.masked_fill(outside, -torch.inf))
    return logits.softmax(dim=1)


def draw(probabilities: Tensor, numbers: Tensor) -> Tensor:
    """The tokens at which the summed probabilities pass uniform numbers: of (..., vocabulary) and (...), (...)."""
    device = probabilities.device
    if device.type == "mps":  # Apple's GPUs have no float64
        probabilities = probabilities.cpu()
    sums = probabilities.double().cumsum(dim=-1)
    numbers = numbers.to(sums.device)
    tokens = torch.searchsorted(sums, (numbers * sums[..., -1]).unsqueeze(-1), right=True)[..., 0]
    return tokens.clamp(max=probabilities.shape[-1] - 1).to(device)


def uniform_numbers(prompt: Sequence[int], config: DecodeConfig) -> Tensor:
    """(samples, steps) numbers from 0 to less than 1 that depend on the seed, the prompt, the sample and the step."""
    streams = (np.random.default_rng([config.seed, number, *prompt]) for number in range(config.outputs))
    return torch.from_numpy(np.stack([stream.random(config.max_new_tokens) for stream in streams]))
