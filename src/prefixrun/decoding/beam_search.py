"""Batched beam search with a trained method.

A prompt is computed once an input, not once a beam: its keys and values, behind those of a trained prefix, are a prefix
that the beams of the input share (models.prefix_kv), and only what a beam has written itself is stored once a beam. In
an encoder-decoder the shared prefix is the encoded input, in the cross attention. Inputs leave the batch when they are
done.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from prefixrun.config.schema import DecodeConfig
from prefixrun.decoding.candidates import Candidates, Repetition, top_candidates
from prefixrun.decoding.hypotheses import BeamHypotheses, ngram_repeats, select_running_beams
from prefixrun.methods.base import Method
from prefixrun.models.attention import attach_prefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.prefill import PrefillState


@torch.inference_mode()
def beam_search(
    backbone: Backbone, method: Method, prompts: Sequence[Sequence[int]], config: DecodeConfig
) -> list[list[list[int]]]:
    """The `config.outputs` best hypotheses of each prompt, best first, as decoding.generate_all."""
    end, always_banned = backbone.tokenizer.end, backbone.tokenizer.newlines() if config.ban_newlines else []
    searches = [_hypotheses(backbone, prompt, config) for prompt in prompts]
    with method.attach(backbone):
        state = method.prefill(backbone, prompts)
        hidden, running = state.hidden, RunningBeams(state, penalised_prompts(backbone, prompts))
        for step in range(1, config.max_new_tokens + 1):
            # 1. The best continuations of each active input. Twice as many as beams, because half of them may end.
            written = running.written.tolist()
            candidates = top_candidates(
                hidden,
                backbone.logits,
                running.scores,
                always_banned if step > config.min_new_tokens else [*always_banned, end],
                2 * config.beams,
                [ngram_repeats(ids, config.no_repeat_ngram) for outputs in written for ids in outputs],
                running.repetition(config.repetition_penalty, of_log_probabilities=config.beams > 1),
            )
            # 2. Those that end become hypotheses, the best of the others the next beams; an input may be done.
            selected = select_running_beams(
                [searches[index] for index in running.active],
                candidates.scores.tolist(),
                candidates.beams.tolist(),
                candidates.tokens.tolist(),
                written,
                end=end,
                last=step == config.max_new_tokens,
            )
            if not any(selected):
                break
            # 3. Write their tokens and read them.
            running.advance(selected, candidates)
            hidden = running.decode_step(backbone, method)
    return [[ids for _, ids in search.finished[: config.outputs]] for search in searches]


def _hypotheses(backbone: Backbone, prompt: Sequence[int], config: DecodeConfig) -> BeamHypotheses:
    """An input's search before its first step."""
    return BeamHypotheses(
        beams=config.beams,
        prompt_len=1 if backbone.is_seq2seq else len(prompt),
        length_penalty=config.length_penalty,
        total_norm=config.length_norm == "total",
    )


def penalised_prompts(backbone: Backbone, prompts: Sequence[Sequence[int]]) -> Sequence[Sequence[int]]:
    """What the decoder has read before it writes: the prompts, or the start token behind an encoder."""
    return [[backbone.tokenizer.start]] * len(prompts) if backbone.is_seq2seq else prompts


class RunningBeams:
    """The running beams of the active inputs: those whose search is not done."""

    def __init__(self, state: PrefillState, starts: Sequence[Sequence[int]]) -> None:
        """starts: by input, the ids that count as written already for the penalty of repetitions."""
        inputs, device = len(state.positions), state.positions.device
        self.active = list(range(inputs))
        """Index of the prompt of each active input."""
        self.scores = torch.zeros(inputs, 1, device=device)
        """(inputs, beams): log-probabilities; before the first step an input has one beam, the empty output."""
        self.written = torch.zeros(inputs, 1, 0, dtype=torch.long, device=device)
        """(inputs, beams, steps): the tokens of the outputs so far."""
        self._starts = starts
        self._prefix_kv = state.prefix_kv  # one entry an input
        self._first_positions = state.positions  # (inputs,)
        self._cache = state.cache  # one row a beam: (inputs x beams) rows

    def advance(self, selected: Sequence[Sequence[int]], candidates: Candidates) -> None:
        """Go on with the selected candidates of each input, by index; inputs without any leave."""
        device = candidates.scores.device
        remaining = [index for index, choices in enumerate(selected) if choices]
        inputs = torch.tensor(remaining, device=device)
        choices = torch.tensor([list(selected[index]) for index in remaining], device=device)
        # Of each new beam: the beam that it continues and its new token, (remaining inputs, beams).
        parents, tokens = (values[inputs].gather(1, choices) for values in (candidates.beams, candidates.tokens))
        self._cache.select((inputs[:, None] * self.written.shape[1] + parents).flatten())
        history = self.written[inputs].gather(1, parents.unsqueeze(2).expand(-1, -1, self.written.shape[2]))
        self.written = torch.cat([history, tokens.unsqueeze(2)], dim=2)
        self.scores = candidates.scores[inputs].gather(1, choices)
        if len(remaining) < len(self.active):
            self.active = [self.active[index] for index in remaining]
            self._first_positions = self._first_positions[inputs]
            self._prefix_kv = {
                site: [prefix.select(inputs) for prefix in per_layer] for site, per_layer in self._prefix_kv.items()
            }

    def repetition(self, penalty: float, *, of_log_probabilities: bool = False) -> Repetition | None:
        """The penalty on what each beam has read and written; None for 1, which changes nothing."""
        if penalty == 1:
            return None
        written = self.written.tolist()
        pairs = zip(self.active, written, strict=True)
        tokens = [{*self._starts[index], *ids} for index, outputs in pairs for ids in outputs]
        return Repetition(penalty, tokens, of_log_probabilities)

    def decode_step(self, backbone: Backbone, method: Method) -> Tensor:
        """Run the model on every beam's last token; returns its hidden states (inputs, beams, d)."""
        inputs, beams, steps = self.written.shape
        positions = (self._first_positions + steps - 1).repeat_interleave(beams).unsqueeze(1)
        ids = self.written[:, :, -1].reshape(-1, 1)
        with attach_prefix(backbone.model, self._prefix_kv):
            states = method.decode_step(backbone, ids, positions, self._cache)
        return states[:, 0].view(inputs, beams, -1)
