"""The loop that beam search and sampling share: inputs wait in a queue, and take the places of those that are done.

A prompt is computed once an input, not once a beam, and stored once for all of its beams, which are never copied either
(models.beam_cache). In an encoder-decoder the encoded input is a prefix of the cross attention that they share.

A pass over few rows takes hardly less time than one over many, so a batch is not left to run dry: when an eighth of it
is free, as many inputs move up. Encoder-decoders count positions from one number for the whole batch, so there all
inputs begin together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from prefixrun.methods.base import Method
from prefixrun.models.attention import attach_prefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.beam_cache import BeamCache, StepTables
from prefixrun.models.prefill import PrefillState
from prefixrun.models.prefix_kv import PrefixKV
from prefixrun.models.recorded_steps import RecordedSteps
from prefixrun.models.transfer import on_device

RECORDED_COLUMNS = 64
"""Multiple that columns are rounded up to where steps are recorded: a recording for each number would be too many."""


class Continuation(NamedTuple):
    """How an input goes on: for each of its beams which one it continues, its new token and its log-probability."""

    parents: Sequence[int]
    tokens: Sequence[int]
    scores: Sequence[float]


@dataclass(slots=True)
class Active:
    """Inputs at work, and what their beams have written; before the first step that is one beam, the empty output."""

    inputs: list[int]
    """Index of each input's prompt."""
    written: list[list[list[int]]]
    """By input and beam, the tokens so far; the beams of an input have as many."""
    scores: list[list[float]]
    """By input and beam, the log-probability of the output."""

    @classmethod
    def begin(cls, inputs: Sequence[int]) -> Active:
        return cls(list(inputs), [[[]] for _ in inputs], [[0.0] for _ in inputs])


class Strategy(Protocol):
    """How tokens are chosen."""

    beams: int
    """Of an input, from its first token on."""

    def step(self, hidden: Tensor, active: Active) -> list[Continuation | None]:
        """How each input goes on from its last hidden states, (inputs, beams, d); None where it is done."""

    def outputs(self, index: int) -> list[list[int]]:
        """The outputs of an input that is done, the one that is scored first."""


def decode_queue(
    backbone: Backbone,
    method: Method,
    prompts: Sequence[Sequence[int]],
    strategy: Strategy,
    batch_size: int,
    steps: RecordedSteps | None = None,
) -> Iterator[tuple[int, list[list[int]]]]:
    """Each prompt's index with its outputs, in the order in which they are done; at most `batch_size` at work.

    steps: for a decoder-only model on a GPU, records the passes of a batch that is not running dry.
    """
    waiting, running = deque(range(len(prompts))), RunningBeams(strategy.beams, None if backbone.is_seq2seq else steps)
    refill = max(1, batch_size // 8)
    with ExitStack() as stack:
        with torch.no_grad():
            stack.enter_context(method.attach(backbone))
        while waiting or running.active.inputs:
            free = batch_size - len(running.active.inputs)
            if waiting and (free == batch_size or (not backbone.is_seq2seq and free >= refill)):
                new = Active.begin([waiting.popleft() for _ in range(min(free, len(waiting)))])
                with torch.inference_mode():
                    state = method.prefill(backbone, [prompts[index] for index in new.inputs])
                    continuations = strategy.step(state.hidden, new)
                    running.join(state, new, continuations)
                del state  # its keys and values have been copied, and would stay until the next prompts are read
                yield from _done(strategy, new.inputs, continuations)
            if running.active.inputs:
                inputs = running.active.inputs
                with torch.inference_mode():
                    is_full = len(inputs) > batch_size - refill
                    hidden = running.decode_step(backbone, method, is_recorded=is_full)
                    continuations = strategy.step(hidden, running.active)
                    running.advance(continuations)
                yield from _done(strategy, inputs, continuations)


def _done(
    strategy: Strategy, inputs: Sequence[int], continuations: Sequence[Continuation | None]
) -> Iterator[tuple[int, list[list[int]]]]:
    for index, continuation in zip(inputs, continuations, strict=True):
        if continuation is None:
            yield index, strategy.outputs(index)


@dataclass(slots=True)
class RunningBeams:
    """The beams of the inputs at work, with the keys and values that they see."""

    beams: int
    steps: RecordedSteps | None = None
    active: Active = field(default_factory=lambda: Active.begin([]))
    _cache: BeamCache = field(init=False)
    _first: list[int] = field(default_factory=list)
    """By input, the position of its first token."""
    _parents: list[Sequence[int]] = field(default_factory=list)
    """By input, which beams its beams continue in the next pass."""
    _cross: list[PrefixKV] = field(default_factory=list)
    """By layer, what the cross attention of an encoder-decoder sees of each input."""

    def __post_init__(self) -> None:
        self._cache = BeamCache(self.beams, column_step=1 if self.steps is None else RECORDED_COLUMNS)

    def join(self, state: PrefillState, new: Active, continuations: Sequence[Continuation | None]) -> None:
        """Take up the inputs whose prompts have just been read, but for those that are done with their first token."""
        going_on = [number for number, continuation in enumerate(continuations) if continuation is not None]
        if not going_on:
            return
        if len(going_on) < len(new.inputs):
            state = state.select(torch.tensor(going_on, device=state.positions.device))
        self._cache.add(state.beam_kv)
        self._cross = list(state.cross_kv)
        self._first += state.positions.tolist()
        self._continue(new, continuations, going_on)

    def advance(self, continuations: Sequence[Continuation | None]) -> None:
        """Go on with the tokens that were chosen; inputs that are done leave."""
        before, self.active, self._parents = self.active, Active.begin([]), []
        order = list(range(len(continuations)))
        done = {number for number in order if continuations[number] is None}
        if done:
            order = self._cache.remove(done)
            self._first = [self._first[number] for number in order]
            if self._cross:
                entries = torch.tensor(order, dtype=torch.long, device=self._cross[0].keys.device)
                for layer, of_layer in enumerate(self._cross):  # one after the other, so that one is there twice
                    self._cross[layer] = of_layer.select(entries)
        self._continue(before, continuations, order)

    def _continue(self, before: Active, continuations: Sequence[Continuation | None], order: Sequence[int]) -> None:
        """Put some of the inputs behind the active ones, each with its next tokens written."""
        for number in order:
            chosen, written = continuations[number], before.written[number]
            assert chosen is not None
            self.active.inputs.append(before.inputs[number])
            self.active.scores.append(list(chosen.scores))
            self.active.written.append(
                [[*written[parent], token] for parent, token in zip(chosen.parents, chosen.tokens, strict=True)]
            )
            self._parents.append(chosen.parents)

    def decode_step(self, backbone: Backbone, method: Method, *, is_recorded: bool = False) -> Tensor:
        """Run the model on every beam's last token; returns its hidden states (inputs, beams, d).

        is_recorded: whether to use a recording, which is worth it for shapes that come again.
        """
        device, active = backbone.head.device, self.active
        positions = [first + len(written[0]) - 1 for first, written in zip(self._first, active.written, strict=True)]
        self._cache.advance(self._parents, positions)
        ids = torch.tensor([ids[-1] for written in active.written for ids in written]).view(-1, 1)
        by_beam = torch.tensor(positions).repeat_interleave(self.beams).view(-1, 1)
        cache, tensors = self._cache, (on_device(ids, device), on_device(by_beam, device))

        def compute(ids: Tensor, by_beam: Tensor, *tables: Tensor) -> Tensor:
            if tables:
                cache.tables = StepTables(*tables)
            return method.decode_step(backbone, ids, by_beam, cache)

        with attach_prefix(backbone.model, {"cross": self._cross}) if self._cross else nullcontext():
            if self.steps is None or not is_recorded:
                states = compute(*tensors)
            else:
                shape = (cache.inputs, cache.columns)
                states = self.steps.run(cache.memory, shape, (*tensors, *cache.tables), compute)
        return states[:, 0].view(len(positions), self.beams, -1)
