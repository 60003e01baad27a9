"""Which hypotheses a beam search keeps, and when it is done: the rules of transformers, old and new. No tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


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


def choose(
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
        generated = len(row_written[0]) + 1
        greedy_end = search.width == 1 and row_tokens[0] == end
        done = greedy_end or search.settled(row_scores[0], row_scores[running[0]], generated)
        if last and not done:
            for rank in running:
                search.add([*row_written[row_beams[rank]], row_tokens[rank]], row_scores[rank], ended=False)
        choice.append([] if done or last else running)
    return choice


def repeating(ids: Sequence[int], length: int) -> set[int]:
    """Tokens behind `ids` that would write an n-gram of this length a second time; none for length 0."""
    if not length:
        return set()
    tail = ids[len(ids) - length + 1 :]
    starts = range(len(ids) - length + 1)
    return {ids[start + length - 1] for start in starts if ids[start : start + length - 1] == tail}
