"""The best continuations of running beams, by one more token."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

BLOCK = 256
"""Token ids of a block, of which only the largest logit is looked at first."""
CACHED_ROWS = 8
"""Rows of logits that a processor's cache holds: 8 x 49,152 numbers are 1.6 MB."""


class Candidates(NamedTuple):
    """The best continuations of each input over all its beams, best first. Each tensor: (inputs, candidates)."""

    scores: Tensor
    """Log-probabilities of the outputs with the new token."""
    beams: Tensor
    """Which of the input's beams is continued."""
    tokens: Tensor
    """The new token."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """What makes the tokens that each row has already less likely (or more, below 1)."""

    penalty: float
    tokens: Sequence[Collection[int]]
    """By row."""
    of_log_probabilities: bool
    """As transformers has it in a search of several beams; they do not add up to 1 afterwards. Otherwise of logits."""

    def apply(self, scores: Tensor) -> Tensor:
        """Positive scores divided by the penalty, negative ones multiplied; overwrites `scores`: (rows, vocabulary)."""
        indices = indices_of(self.tokens, scores.device)
        present = scores[indices]
        scores[indices] = torch.where(present < 0, present * self.penalty, present / self.penalty)
        return scores


def indices_of(tokens: Sequence[Collection[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Indices of each row's tokens in a matrix (rows, vocabulary): all rows at once, as a GPU needs it."""
    pairs = [(row, token) for row, of_row in enumerate(tokens) for token in of_row]
    rows, columns = torch.tensor(pairs, dtype=torch.long, device=device).view(-1, 2).unbind(1)
    return rows, columns


def top_candidates(
    hidden: Tensor,
    head: Callable[[Tensor], Tensor],
    scores: Tensor,
    banned: Sequence[int],
    count: int,
    banned_by_row: Sequence[Collection[int]] = (),
    repetition: Repetition | None = None,
) -> Candidates:
    """The `count` best continuations of each input over all its beams.

    Args:
        hidden: (inputs, beams, d), the last hidden states of each beam.
        head: hidden states to logits.
        scores: (inputs, beams) log-probabilities of the beams.
        banned: tokens that no beam may write.
        banned_by_row: those that each of the (inputs x beams) rows may not write.
        repetition: changes the logits, or the log-probabilities, of tokens that are there already.

    A banned token gets no probability but keeps its share of the softmax, as a processor after log-softmax does in the
    paper's code. No log-softmax over the vocabulary is written out: log p(token) = logit - log sum exp(logits), so the
    best tokens are those with the largest logits, and one logarithm a row is enough.
    """
    inputs, beams, width = hidden.shape
    logits = head(hidden.reshape(-1, width)).float()
    vocabulary = logits.shape[1]
    per_row = min(count, vocabulary)

    is_normalised = repetition is not None and repetition.of_log_probabilities
    if repetition is not None:
        logits = repetition.apply(log_softmax(logits, dim=1) if is_normalised else logits)

    # 1. The best logits of each row without the banned tokens, whose logits are put back afterwards.
    by_row = indices_of([{*tokens} - {*banned} for tokens in banned_by_row], logits.device)
    everywhere = torch.tensor(banned, dtype=torch.long, device=logits.device)
    withheld, withheld_by_row = logits[:, everywhere], logits[by_row]
    logits[:, everywhere] = -torch.inf
    logits[by_row] = -torch.inf
    values, tokens = _top_tokens(logits, per_row)
    logits[:, everywhere], logits[by_row] = withheld, withheld_by_row

    # 2. Their log-probabilities, and the best over all beams of an input: candidate i of a row is i % per_row.
    log_probabilities = values if is_normalised else values - _logsumexp_(logits)
    total = log_probabilities.view(inputs, beams, per_row) + scores.unsqueeze(2)
    best, order = total.flatten(1).topk(min(count, beams * per_row), dim=1)
    return Candidates(best, order // per_row, tokens.view(inputs, -1).gather(1, order))


def _top_tokens(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The largest logits of each row and their tokens: (rows, count) each, best first. logits: (rows, vocabulary).

    In two steps, because a top-k over a whole vocabulary is slow: the `count` largest logits of a row lie in the
    `count` blocks with the largest maxima (a block outside of these has `count` larger logits in others).
    """
    vocabulary = logits.shape[1]
    block = BLOCK if vocabulary % BLOCK == 0 else vocabulary
    blocks = logits.view(-1, vocabulary // block, block)
    chosen = blocks.amax(dim=2).topk(min(count, blocks.shape[1]), dim=1).indices
    in_chosen = blocks.gather(1, chosen.unsqueeze(2).expand(-1, -1, block)).flatten(1)
    values, indices = in_chosen.topk(count, dim=1)
    # An index counts the tokens of the chosen blocks: index // block of them, then index % block within it.
    return values, chosen.gather(1, indices // block) * block + indices % block


def _logsumexp_(logits: Tensor) -> Tensor:
    """(rows, 1) logarithms of the sums of exponentials, log sum exp(x) = m + log sum exp(x - m) with the maximum m.

    Overwrites `logits`: a second tensor of its size costs more than the sum. On a CPU a few rows at a time, which stay
    in its cache from one operation to the next.
    """
    parts = logits.split(CACHED_ROWS) if logits.device.type == "cpu" else (logits,)
    sums = []
    for rows in parts:
        largest = rows.amax(dim=1, keepdim=True)
        sums.append(rows.sub_(largest).exp_().sum(dim=1, keepdim=True).log_().add_(largest))
    return torch.cat(sums)
