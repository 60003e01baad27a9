"""Batched beam search behind a prefix.

The prompt is computed once an input, not once a beam: its keys and values, with the prefix, are a front that the
beams of the input share (attention.Front), and only what a beam has written itself is kept per beam. Inputs leave the
batch when they are done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import linear

from prefixrun.attention import Front, KeyValueCache, causal_mask, fronts
from prefixrun.methods.prefix import fronts_of
from prefixrun.models import Backbone
from prefixrun.schema import DecodeConfig

BLOCK = 256
"""Columns of a block in `top_candidates`."""


@dataclass(slots=True)
class Beams:
    """The search of one input: its finished hypotheses, at most `width` of them."""

    width: int
    prompt_len: int
    length_penalty: float
    total_norm: bool
    finished: list[tuple[float, list[int]]] = field(default_factory=list)

    def add(self, ids: Sequence[int], log_probability: float, *, ended: bool) -> None:
        """Keep a hypothesis if it is among the best. `ids` are without the end token."""
        length = self.prompt_len + len(ids) if self.total_norm else len(ids) + int(ended)
        self.finished.append((log_probability / float(max(length, 1)) ** self.length_penalty, list(ids)))
        self.finished.sort(key=lambda hypothesis: -hypothesis[0])
        del self.finished[self.width :]

    def settled(self, best_candidate: float, best_running: float, generated: int) -> bool:
        """Whether no running beam is taken to be able to improve on the worst finished one.

        `generated` counts the tokens of the running beams. The two rules are those of transformers 3.x and 5.x with
        early_stopping=False: the older takes the best candidate, ended or not, over the length before this step.
        """
        if len(self.finished) < self.width:
            return False
        best, length = (
            (best_candidate, self.prompt_len + generated - 1) if self.total_norm else (best_running, generated)
        )
        worst_finished = self.finished[-1][0]
        return bool(worst_finished >= best / float(max(length, 1)) ** self.length_penalty)


@torch.inference_mode()
def generate(
    backbone: Backbone, flat_prefix: Tensor, prompts: Sequence[Sequence[int]], config: DecodeConfig
) -> list[list[int]]:
    """The best hypothesis of each prompt, without its end token.

    Args:
        flat_prefix: (layers, 2, kv_heads, prefix_len, head_dim).
        prompts: token ids, not padded.
        config: beams, lengths and normalisation; `batch_size` is the caller's concern.
    """
    model, body = backbone.model, backbone.body
    end, banned = backbone.tokenizer.end, backbone.tokenizer.newlines() if config.ban_newlines else []
    width, device = config.beams, backbone.head.device
    prefix_len = flat_prefix.shape[3]
    searches = [Beams(width, len(prompt), config.length_penalty, config.length_norm == "total") for prompt in prompts]

    hidden, prompt_fronts = _read_prompts(backbone, flat_prefix, prompts)
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    active = list(range(len(prompts)))
    scores = torch.zeros(len(prompts), 1, device=device)
    written = torch.zeros(len(prompts), 1, 0, dtype=torch.long, device=device)
    own = KeyValueCache()

    for generated in range(1, config.max_new_tokens + 1):
        candidate_scores, beams, tokens = top_candidates(hidden, backbone.head, scores, banned, 2 * width)
        choice = _choose(
            [searches[index] for index in active],
            candidate_scores.tolist(),
            beams.tolist(),
            tokens.tolist(),
            written.tolist(),
            end=end,
            last=generated == config.max_new_tokens,
        )
        kept = [position for position, beams_kept in enumerate(choice) if beams_kept]
        if not kept:
            break
        picks = torch.tensor([choice[position] for position in kept], device=device)  # (inputs, width) into candidates
        inputs = torch.tensor(kept, device=device)
        scores = candidate_scores[inputs].gather(1, picks)
        parents, tokens = beams[inputs].gather(1, picks), tokens[inputs].gather(1, picks)
        history = written[inputs].gather(1, parents.unsqueeze(2).expand(-1, -1, generated - 1))
        rows = (inputs[:, None] * written.shape[1] + parents).flatten()
        written = torch.cat([history, tokens.unsqueeze(2)], dim=2)
        if len(kept) < len(active):
            active = [active[position] for position in kept]
            lengths = lengths[inputs]
            prompt_fronts = [_select(front, inputs) for front in prompt_fronts]
        own.select(rows)
        positions = (prefix_len + lengths + generated - 1).repeat_interleave(width).unsqueeze(1)
        with fronts(model, prompt_fronts):
            states = body(
                input_ids=tokens.reshape(-1, 1),
                position_ids=positions,
                attention_mask=hidden.new_zeros(1, 1, 1, generated),
                past_key_values=own,
                use_cache=True,
            ).last_hidden_state
        hidden = states[:, 0].view(len(active), width, -1)
    return [search.finished[0][1] for search in searches]


def top_candidates(
    hidden: Tensor, head: Tensor, scores: Tensor, banned: Sequence[int], count: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The best continuations of each input over all its beams.

    hidden: (inputs, beams, d); head: (vocabulary, d); scores: (inputs, beams) log-probabilities so far. Returns three
    (inputs, count) tensors, best first: log-probability, beam and token. Banned tokens get no probability but keep
    their share of the softmax, as a logits processor after log-softmax does in the paper's code.

    No log-softmax over the vocabulary is written out: the best of a row lie in the blocks with the largest maxima.
    """
    inputs, beams, width = hidden.shape
    logits = linear(hidden.reshape(-1, width), head).float()
    normaliser = logits.logsumexp(dim=1, keepdim=True)
    if banned:
        logits[:, list(banned)] = -torch.inf
    vocabulary = logits.shape[1]
    count_row = min(count, vocabulary)
    if vocabulary % BLOCK == 0 and vocabulary // BLOCK > count_row:
        blocks = logits.view(-1, vocabulary // BLOCK, BLOCK)
        chosen = blocks.amax(dim=2).topk(count_row, dim=1).indices
        values, places = blocks.gather(1, chosen.unsqueeze(2).expand(-1, -1, BLOCK)).flatten(1).topk(count_row, dim=1)
        tokens = chosen.gather(1, places // BLOCK) * BLOCK + places % BLOCK
    else:
        values, tokens = logits.topk(count_row, dim=1)
    total = (values - normaliser).view(inputs, beams, count_row) + scores.unsqueeze(2)
    best, order = total.flatten(1).topk(min(count, beams * count_row), dim=1)
    return best, order // count_row, tokens.view(inputs, -1).gather(1, order)


def _choose(
    searches: Sequence[Beams],
    candidate_scores: Sequence[Sequence[float]],
    beams: Sequence[Sequence[int]],
    tokens: Sequence[Sequence[int]],
    written: Sequence[Sequence[Sequence[int]]],
    *,
    end: int,
    last: bool,
) -> list[list[int]]:
    """Sort each input's candidates into finished hypotheses and running beams.

    Only the `width` best candidates may finish (transformers' rule). Returns for each input the positions of its next
    beams among the candidates, an empty list when the input is done.
    """
    choice = []
    for search, row_scores, row_beams, row_tokens, row_written in zip(
        searches, candidate_scores, beams, tokens, written, strict=True
    ):
        running: list[int] = []
        for rank, token in enumerate(row_tokens):
            if token == end:
                if rank < search.width:
                    search.add(row_written[row_beams[rank]], row_scores[rank], ended=True)
            elif len(running) < search.width:
                running.append(rank)
        greedy_end = search.width == 1 and row_tokens[0] == end
        if last and not greedy_end:
            for rank in running:
                search.add([*row_written[row_beams[rank]], row_tokens[rank]], row_scores[rank], ended=False)
        generated = len(row_written[0]) + 1
        done = last or greedy_end or search.settled(row_scores[0], row_scores[running[0]], generated)
        choice.append([] if done else running)
    return choice


def _read_prompts(
    backbone: Backbone, flat_prefix: Tensor, prompts: Sequence[Sequence[int]]
) -> tuple[Tensor, list[Front]]:
    """One forward pass over the prompts, padded on the right.

    Returns the last hidden state of each, (inputs, 1, d), and for each layer a front of prefix and prompt.
    """
    device, dtype = backbone.head.device, backbone.head.dtype
    longest, prefix_len = max(map(len, prompts)), flat_prefix.shape[3]
    ids = torch.zeros(len(prompts), longest, dtype=torch.long)
    padding = torch.ones(len(prompts), longest, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        ids[row, : len(prompt)] = torch.tensor(prompt)
        padding[row, : len(prompt)] = False
    minus_infinity = torch.finfo(dtype).min
    cache = KeyValueCache()
    prefix_fronts = fronts_of(flat_prefix.to(device), dtype)
    with fronts(backbone.model, prefix_fronts):
        states = backbone.body(
            input_ids=ids.to(device),
            position_ids=torch.arange(prefix_len, prefix_len + longest, device=device).unsqueeze(0),
            attention_mask=causal_mask(longest, dtype, device),
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
    ends = torch.tensor([len(prompt) - 1 for prompt in prompts], device=device)
    hidden = states[torch.arange(len(prompts), device=device), ends].unsqueeze(1)
    bias = torch.zeros(len(prompts), 1, 1, prefix_len + longest, dtype=dtype, device=device)
    bias[:, 0, 0, prefix_len:].masked_fill_(padding.to(device), minus_infinity)
    joined = [
        Front(_behind(front.keys, keys), _behind(front.values, values), bias)
        for front, keys, values in zip(prefix_fronts, cache.keys, cache.values, strict=True)
    ]
    return hidden, joined


def _behind(prefix: Tensor, prompt: Tensor) -> Tensor:
    """(1, kv_heads, prefix_len, head_dim) and (inputs, kv_heads, length, head_dim) joined along the positions."""
    return torch.cat([prefix.expand(prompt.shape[0], -1, -1, -1), prompt], dim=2)


def _select(front: Front, inputs: Tensor) -> Front:
    bias = None if front.bias is None else front.bias[inputs]
    return Front(front.keys[inputs], front.values[inputs], bias)
