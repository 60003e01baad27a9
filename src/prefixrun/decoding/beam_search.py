"""Batched beam search with a trained method.

The prompt is computed once an input, not once a beam: its keys and values, with a prefix, are a prefix that the beams
of the input share (attention.PrefixKV), and only what a beam has written itself is kept per beam. In an encoder-decoder
that prefix is the encoded input, in the cross attention. Inputs leave the batch when they are done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import torch
from torch import Tensor

from prefixrun.config.schema import DecodeConfig
from prefixrun.decoding.hypotheses import Beams, choose, repeating
from prefixrun.methods.base import Method
from prefixrun.models.attention import attach_prefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.prefill import PrefillState

BLOCK = 256
"""Columns of a block in `top_candidates`."""


@torch.inference_mode()
def generate(
    backbone: Backbone, method: Method, prompts: Sequence[Sequence[int]], config: DecodeConfig
) -> list[list[int]]:
    """The best hypothesis of each prompt, without its end token.

    Args:
        method: trained, see methods.restore.
        prompts: token ids, not padded.
        config: beams, lengths and normalisation; `batch_size` is the caller's concern.
    """
    end, banned = backbone.tokenizer.end, backbone.tokenizer.newlines() if config.ban_newlines else []
    searches = [
        Beams(
            config.beams,
            1 if backbone.is_seq2seq else len(prompt),  # a decoder's own prompt is its start token
            config.length_penalty,
            config.length_norm == "total",
        )
        for prompt in prompts
    ]
    with method.attach(backbone):
        prompted = method.prefill(backbone, prompts)
        hidden, running = prompted.hidden, _Running(prompted)
        for step in range(1, config.max_new_tokens + 1):
            written = running.written.tolist()
            scores, beams, tokens = top_candidates(
                hidden,
                backbone.logits,
                running.scores,
                banned if step > config.min_new_tokens else [*banned, end],
                2 * config.beams,
                [repeating(ids, config.no_repeat_ngram) for each in written for ids in each],
            )
            choice = choose(
                [searches[index] for index in running.active],
                scores.tolist(),
                beams.tolist(),
                tokens.tolist(),
                written,
                end=end,
                last=step == config.max_new_tokens,
            )
            if not any(choice):
                break
            running.advance(choice, scores, beams, tokens)
            hidden = running.read_last(backbone, method)
    return [search.finished[0][1] for search in searches]


class _Running:
    """The running beams of the inputs that are not done yet."""

    def __init__(self, prompted: PrefillState) -> None:
        inputs, device = len(prompted.positions), prompted.positions.device
        self.active = list(range(inputs))
        """Which prompts these inputs are."""
        self.scores = torch.zeros(inputs, 1, device=device)
        """(inputs, beams) log-probabilities; one beam before the first step."""
        self.written = torch.zeros(inputs, 1, 0, dtype=torch.long, device=device)
        """(inputs, beams, steps) tokens."""
        self._prefix_kv = prompted.prefix_kv
        self._next_positions = prompted.positions
        self._own = prompted.cache

    def advance(self, choice: Sequence[Sequence[int]], scores: Tensor, beams: Tensor, tokens: Tensor) -> None:
        """Go on with the candidates at `choice` of each input; inputs without any leave.

        scores, beams, tokens: (inputs, candidates), see `top_candidates`.
        """
        kept = [place for place, candidates in enumerate(choice) if candidates]
        device = scores.device
        inputs = torch.tensor(kept, device=device)
        picks = torch.tensor([list(choice[place]) for place in kept], device=device)
        parents, tokens = beams[inputs].gather(1, picks), tokens[inputs].gather(1, picks)
        self._own.select((inputs[:, None] * self.written.shape[1] + parents).flatten())
        history = self.written[inputs].gather(1, parents.unsqueeze(2).expand(-1, -1, self.written.shape[2]))
        self.written = torch.cat([history, tokens.unsqueeze(2)], dim=2)
        self.scores = scores[inputs].gather(1, picks)
        if len(kept) < len(self.active):
            self.active = [self.active[place] for place in kept]
            self._next_positions = self._next_positions[inputs]
            self._prefix_kv = {
                site: [prefix.select(inputs) for prefix in per_layer] for site, per_layer in self._prefix_kv.items()
            }

    def read_last(self, backbone: Backbone, method: Method) -> Tensor:
        """Run the model on every beam's last token; returns its hidden states (inputs, beams, d)."""
        inputs, beams, steps = self.written.shape
        positions = (self._next_positions + steps - 1).repeat_interleave(beams).unsqueeze(1)
        ids = self.written[:, :, -1].reshape(-1, 1)
        with attach_prefix(backbone.model, self._prefix_kv):
            states = method.decode_step(backbone, ids, positions, self._own)
        return states[:, 0].view(inputs, beams, -1)


def top_candidates(
    hidden: Tensor,
    head: Callable[[Tensor], Tensor],
    scores: Tensor,
    banned: Sequence[int],
    count: int,
    banned_by_row: Sequence[Collection[int]] = (),
) -> tuple[Tensor, Tensor, Tensor]:
    """The best continuations of each input over all its beams.

    hidden: (inputs, beams, d); head: hidden states to logits; scores: (inputs, beams) log-probabilities so far.
    banned: tokens that no beam may write; banned_by_row: those that each of the (inputs x beams) rows may not.
    Returns three (inputs, count) tensors, best first: log-probability, beam and token. Banned tokens get no
    probability but keep their share of the softmax, as a processor after log-softmax does in the paper's code.

    No log-softmax over the vocabulary is written out: the best of a row lie in the blocks with the largest maxima.
    """
    inputs, beams, width = hidden.shape
    logits = head(hidden.reshape(-1, width)).float()
    vocabulary = logits.shape[1]
    block = BLOCK if vocabulary % BLOCK == 0 else vocabulary
    pairs = [(row, token) for row, tokens in enumerate(banned_by_row) for token in {*tokens} - {*banned}]
    by_row = torch.tensor(pairs, dtype=torch.long, device=logits.device).view(-1, 2).unbind(1)
    withheld, withheld_by_row = logits[:, list(banned)], logits[by_row]
    logits[:, list(banned)] = -torch.inf
    logits[by_row] = -torch.inf
    count_row = min(count, vocabulary)
    blocks = logits.view(-1, vocabulary // block, block)
    chosen = blocks.amax(dim=2).topk(min(count_row, blocks.shape[1]), dim=1).indices
    values, places = blocks.gather(1, chosen.unsqueeze(2).expand(-1, -1, block)).flatten(1).topk(count_row, dim=1)
    tokens = chosen.gather(1, places // block) * block + places % block
    logits[:, list(banned)], logits[by_row] = withheld, withheld_by_row
    total = (values - _logsumexp_(logits)).view(inputs, beams, count_row) + scores.unsqueeze(2)
    best, order = total.flatten(1).topk(min(count, beams * count_row), dim=1)
    return best, order // count_row, tokens.view(inputs, -1).gather(1, order)


def _logsumexp_(logits: Tensor) -> Tensor:
    """(rows, 1) logarithms of the sums of exponentials. Overwrites `logits`: a second tensor of its size costs more."""
    largest = logits.amax(dim=1, keepdim=True)
    return logits.sub_(largest).exp_().sum(dim=1, keepdim=True).log_().add_(largest)
