"""The queue of a search: inputs move up when others are done, and none of their outputs depends on it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from weakref import ref

import pytest
import torch
from torch import Tensor

from prefixrun.config.schema import DecodeConfig, ModelConfig
from prefixrun.decoding.generate import generate_all, generate_each
from prefixrun.decoding.search import Active, Continuation, decode_queue
from prefixrun.methods.base import Method
from prefixrun.models.backbone import Backbone
from prefixrun.models.loading import load
from prefixrun.models.prefill import PrefillState
from prefixrun.models.recorded_steps import RecordedSteps, Replay

BEAM = DecodeConfig(
    name="t", beams=3, outputs=2, max_new_tokens=12, length_norm="generated", ban_newlines=False, batch_size=3
)


def backbone(name: str) -> Backbone:
    layout = {"tiny_bart": "bart", "tiny_t5": "t5"}.get(name, "paper")
    return load(ModelConfig(name=name, source="random", architecture=name, layout=layout))  # type: ignore[arg-type]


class Lengths:
    """A strategy that writes as many tokens as it is told; what it sees is kept."""

    def __init__(self, lengths: Sequence[int], beams: int = 2) -> None:
        self.beams, self._lengths = beams, lengths
        self.hidden: dict[tuple[int, int], Tensor] = {}
        self.at_work: list[int] = []

    def step(self, hidden: Tensor, active: Active) -> list[Continuation | None]:
        self.at_work.append(len(active.inputs))
        chosen: list[Continuation | None] = []
        for number, (index, written) in enumerate(zip(active.inputs, active.written, strict=True)):
            steps = len(written[0])
            self.hidden[index, steps] = hidden[number].clone()
            tokens = [(7 * index + 3 * steps + beam) % 250 for beam in range(self.beams)]
            parents = [(beam + index) % len(written) for beam in range(self.beams)]
            is_done = steps + 1 == self._lengths[index]
            chosen.append(None if is_done else Continuation(parents, tokens, [0.0] * self.beams))
        return chosen

    def outputs(self, index: int) -> list[list[int]]:
        return [[index]]


@pytest.mark.parametrize("name", ["tiny_gpt2", "tiny_llama", "tiny_bart", "tiny_t5"])
def test_states_do_not_depend_on_who_shares_the_batch(name: str) -> None:
    model, lengths = backbone(name), [3, 1, 6, 2, 5, 4, 1, 3]
    prompts = [model.tokenizer.source("ab" * (1 + index % 3)) for index in range(len(lengths))]
    alone, together = Lengths(lengths), Lengths(lengths)
    assert [index for index, _ in decode_queue(model, Method(), prompts, alone, 1)] == list(range(8))
    done = dict(decode_queue(model, Method(), prompts, together, 3))
    assert done == {index: [[index]] for index in range(8)}
    assert alone.hidden.keys() == together.hidden.keys()
    for key, states in alone.hidden.items():
        torch.testing.assert_close(together.hidden[key], states, rtol=1e-4, atol=1e-5)


def test_inputs_move_up_as_soon_as_others_are_done() -> None:
    model, strategy = backbone("tiny_llama"), Lengths([2, 4, 4, 2, 2])
    prompts = [model.tokenizer.source("a")] * 5
    order = [index for index, _ in decode_queue(model, Method(), prompts, strategy, 3)]
    assert order == [0, 3, 2, 1, 4]
    # 0, 1 and 2 begin, and 0 is done; 3 begins in its place, and is done at the third step of 1 and 2; then 4 begins.
    assert strategy.at_work == [3, 3, 1, 3, 1, 3]


class WatchedStart(Method):
    """What a search begins with, as long as somebody holds it."""

    start: Callable[[], Tensor | None]

    def prefill(self, backbone: Backbone, prompts: Sequence[Sequence[int]]) -> PrefillState:
        state = super().prefill(backbone, prompts)
        self.start = ref(state.hidden)
        return state


@pytest.mark.parametrize("name", ["tiny_llama", "tiny_bart"])
def test_what_the_prompts_left_is_not_kept_beside_the_cache(name: str) -> None:
    model, method = backbone(name), WatchedStart()
    held: list[bool] = []

    class Watching(Lengths):
        def step(self, hidden: Tensor, active: Active) -> list[Continuation | None]:
            held.append(method.start() is not None)
            return super().step(hidden, active)

    prompts = [model.tokenizer.source("a")] * 3
    list(decode_queue(model, method, prompts, Watching([3, 1, 2]), 3))
    assert held == [True, False, False]


@pytest.mark.parametrize("config", [BEAM, replace(BEAM, beams=1, sample=True, outputs=3)], ids=["beams", "sample"])
@pytest.mark.parametrize("name", ["tiny_llama", "tiny_t5"])
def test_outputs_are_those_of_one_batch(name: str, config: DecodeConfig) -> None:
    model = backbone(name)
    prompts = [model.tokenizer.source(text) for text in ("a", "bc", "name : Aromi", "x", "y y", "z")]
    expected = generate_all(model, Method(), prompts, config)
    for size in (1, 2, 8):
        outputs = dict(generate_each(model, Method(), prompts, replace(config, batch_size=size)))
        assert [outputs[index] for index in range(len(prompts))] == expected


@pytest.mark.parametrize("name", ["tiny_gpt2", "tiny_llama", "tiny_t5"])
def test_recorded_steps_compute_the_same(name: str) -> None:
    """With a CPU in the place of the GPU: every step reads the tensors of the recording alone."""
    model, lengths = backbone(name), [3, 1, 6, 2, 5, 4, 1, 3]
    prompts = [model.tokenizer.source("ab" * (1 + index % 3)) for index in range(len(lengths))]
    plain, recorded = Lengths(lengths), Lengths(lengths)
    steps = RecordedSteps(record_on_cpu)
    assert dict(decode_queue(model, Method(), prompts, plain, 3)) == dict(
        decode_queue(model, Method(), prompts, recorded, 3, steps)
    )
    for key, states in plain.hidden.items():
        torch.testing.assert_close(recorded.hidden[key], states, rtol=1e-4, atol=1e-5)


def record_on_cpu(compute: Callable[[], Tensor]) -> tuple[Tensor, Replay]:
    output = compute()

    def replay() -> None:
        output.copy_(compute())

    return output, replay
