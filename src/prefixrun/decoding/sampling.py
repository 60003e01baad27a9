"""Outputs drawn from the model's distribution, token by token.

The distribution is changed in the order of transformers' logits processors: penalty of repetitions, banned tokens,
temperature, the k most likely tokens, the nucleus. Which token is drawn is decided by a uniform number that depends on
the seed, the input, the sample and the step alone, so the samples of an input are the same in any batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from prefixrun.config.schema import DecodeConfig
from prefixrun.decoding.beam_search import RunningBeams, penalised_prompts
from prefixrun.decoding.candidates import Candidates
from prefixrun.decoding.hypotheses import ngram_repeats
from prefixrun.methods.base import Method
from prefixrun.models.backbone import Backbone


@torch.inference_mode()
def sample(
    backbone: Backbone, method: Method, prompts: Sequence[Sequence[int]], config: DecodeConfig
) -> list[list[list[int]]]:
    """`config.outputs` samples of each prompt, as decoding.generate_all."""
    end, always_banned = backbone.tokenizer.end, backbone.tokenizer.newlines() if config.ban_newlines else []
    draws = torch.stack([uniform_numbers(prompt, config) for prompt in prompts])
    outputs: list[list[list[int]]] = [[] for _ in prompts]
    with method.attach(backbone):
        state = method.prefill(backbone, prompts)
        hidden, running = state.hidden, RunningBeams(state, penalised_prompts(backbone, prompts))
        for step in range(config.max_new_tokens):
            # 1. The logits of each row, of which there is one an input before the first step.
            inputs, rows, width = hidden.shape
            logits = backbone.logits(hidden.reshape(-1, width)).float()
            if repetition := running.repetition(config.repetition_penalty):
                logits = repetition.apply(logits)
            logits[:, always_banned if step >= config.min_new_tokens else [*always_banned, end]] = -torch.inf
            written = running.written.tolist()
            for row, ids in zip(logits, (ids for samples in written for ids in samples), strict=True):
                row[[*ngram_repeats(ids, config.no_repeat_ngram)]] = -torch.inf
            # 2. A token for each sample.
            probabilities = restricted(logits, config).view(inputs, rows, -1).expand(-1, config.outputs, -1)
            tokens = draw(probabilities, draws[running.active, :, step].to(probabilities.device))
            parents = torch.arange(config.outputs, device=tokens.device).clamp(max=rows - 1).expand(inputs, -1)
            # 3. An input is done when all of its samples have an end token; what they write behind it is cut off.
            log_probabilities = probabilities.gather(2, tokens.unsqueeze(2))[..., 0].log()
            is_last = step == config.max_new_tokens - 1
            selected: list[list[int]] = []
            for index, samples, new in zip(running.active, written, tokens.tolist(), strict=True):
                texts = [[*samples[min(row, rows - 1)], token] for row, token in enumerate(new)]
                is_done = is_last or all(end in ids for ids in texts)
                if is_done:
                    outputs[index] = [ids[: ids.index(end)] if end in ids else ids for ids in texts]
                selected.append([] if is_done else list(range(config.outputs)))
            if not any(selected):
                break
            running.advance(selected, Candidates(log_probabilities, parents, tokens))
            hidden = running.decode_step(backbone, method)
    return outputs


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
    sums = probabilities.double().cumsum(dim=-1)
    tokens = torch.searchsorted(sums, (numbers * sums[..., -1]).unsqueeze(-1), right=True)[..., 0]
    return tokens.clamp(max=probabilities.shape[-1] - 1)


def uniform_numbers(prompt: Sequence[int], config: DecodeConfig) -> Tensor:
    """(samples, steps) numbers from 0 to less than 1 that depend on the seed, the prompt, the sample and the step."""
    streams = (np.random.default_rng([config.seed, number, *prompt]) for number in range(config.outputs))
    return torch.from_numpy(np.stack([stream.random(config.max_new_tokens) for stream in streams]))
