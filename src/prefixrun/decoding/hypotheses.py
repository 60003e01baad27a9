"""Which hypotheses a beam search keeps, and when it is done: the rules of transformers, old and new. No tensors.

The paper's outputs were decoded with transformers 3, whose `BeamHypotheses` scores a hypothesis by

    log-probability / (prompt tokens + output tokens) ^ length_penalty        length_norm=total

without its end token. Since about 4.36 transformers divides by what was generated, with the end token if there is one:

    log-probability / (generated tokens) ^ length_penalty                     length_norm=generated

The longer the prompt, the less does the former tell outputs of different lengths apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class BeamHypotheses:
    """The finished hypotheses of one input, at most `beams` of them, and the rule that ends its search."""

    beams: int
    prompt_len: int
    """Tokens that the decoder has read before it writes; 1, the start token, in an encoder-decoder."""
    length_penalty: float
    total_norm: bool
    """Whether lengths count the prompt (length_norm=total)."""
    finished: list[tuple[float, list[int]]] = field(default_factory=list)
    """Normalised score and token ids without the end token, best first."""

    def add(self, ids: Sequence[int], log_probability: float, *, ended: bool) -> None:
        """Keep a hypothesis if it is among the best. ids: without the end token, which `ended` says that it had."""
        length = self.prompt_len + len(ids) if self.total_norm else len(ids) + int(ended)
        self.finished.append((self._normalised(log_probability, length), list(ids)))
        self.finished.sort(key=lambda hypothesis: -hypothesis[0])
        del self.finished[self.beams :]

    def is_done(self, best_candidate: float, best_running: float, generated: int) -> bool:
        """Whether the search takes no running beam to be able to improve on the worst finished hypothesis.

        Both rules are those for early_stopping=False, and both are heuristics: they normalise a running score by the
        length so far, although it may still grow.

        total_norm: `BeamHypotheses.is_done` of transformers 3, which takes the best candidate, ended or not, and the
        length before this step.
        Otherwise: `_check_early_stop_heuristic` of transformers 5, which takes the best running beam and its length.

        generated: tokens of the running beams. Scores are log-probabilities.
        """
        if len(self.finished) < self.beams:
            return False
        if self.total_norm:
            best = self._normalised(best_candidate, self.prompt_len + generated - 1)
        else:
            best = self._normalised(best_running, generated)
        return bool(self.finished[-1][0] >= best)

    def _normalised(self, log_probability: float, length: int) -> float:
        return float(log_probability / float(max(length, 1)) ** self.length_penalty)


def select_running_beams(
    searches: Sequence[BeamHypotheses],
    candidate_scores: Sequence[Sequence[float]],
    beams: Sequence[Sequence[int]],
    tokens: Sequence[Sequence[int]],
    written: Sequence[Sequence[Sequence[int]]],
    *,
    end: int,
    limit: int,
) -> list[list[int]]:
    """Sort the candidates of each input into finished hypotheses, which are added, and running beams.

    Args:
        candidate_scores, beams, tokens: by input and candidate, best first; see candidates.Candidates.
        written: by input and beam, the tokens so far.
        end: the id that ends an output.
        limit: most tokens of an output; running beams that reach it become hypotheses.

    Returns the indices of the candidates that each input continues with, none where the input is done.
    """
    selected = []
    for search, scores, parents, new_tokens, outputs in zip(
        searches, candidate_scores, beams, tokens, written, strict=True
    ):
        # Of 2 * beams candidates at most `beams` end (each beam has one end token), so as many can go on. Only those
        # among the `beams` best may finish: a rule of transformers.
        running: list[int] = []
        for rank, token in enumerate(new_tokens):
            if token == end:
                if rank < search.beams:
                    search.add(outputs[parents[rank]], scores[rank], ended=True)
            elif len(running) < search.beams:
                running.append(rank)
        generated = len(outputs[0]) + 1
        # A greedy search ends with its end token, without a look at the second best.
        is_greedy_end = search.beams == 1 and new_tokens[0] == end
        is_done = is_greedy_end or search.is_done(scores[0], scores[running[0]], generated)
        is_last = generated == limit
        if is_last and not is_done:
            for rank in running:
                search.add([*outputs[parents[rank]], new_tokens[rank]], scores[rank], ended=False)
        selected.append([] if is_done or is_last else running)
    return selected


def ngram_repeats(ids: Sequence[int], length: int) -> set[int]:
    """Tokens that would repeat an n-gram of this length in `ids` (transformers' no_repeat_ngram_size); none for 0."""
    if not length:
        return set()
    tail = ids[len(ids) - length + 1 :]
    starts = range(len(ids) - length + 1)
    return {ids[start + length - 1] for start in starts if ids[start : start + length - 1] == tail}
