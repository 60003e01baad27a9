"""Samples: the distribution against the library's logits processors, and what a sample may depend on."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from prefixrun.config.schema import DecodeConfig, ModelConfig
from prefixrun.decoding.generate import generate, generate_all
from prefixrun.decoding.sampling import draw, restricted, uniform_numbers
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.loading import load
from tiny_methods import drawn

SAMPLE = DecodeConfig(
    name="test",
    beams=1,
    sample=True,
    outputs=3,
    max_new_tokens=6,
    length_norm="generated",
    ban_newlines=True,
    batch_size=16,
)
TEXTS = ("name : Aromi", "a", "name : The Eagle | near : river")


@pytest.fixture(scope="module", params=["tiny_gpt2", "tiny_llama", "tiny_bart", "tiny_t5"])
def backbone(request: pytest.FixtureRequest) -> Backbone:
    layout = {"tiny_bart": "bart", "tiny_t5": "t5"}.get(request.param, "paper")
    return load(ModelConfig(name=request.param, source="random", architecture=request.param, layout=layout))  # type: ignore[arg-type]


@pytest.fixture
def method(backbone: Backbone) -> FixedPrefix:
    return FixedPrefix(drawn(backbone, 3))


def prompts(backbone: Backbone) -> list[list[int]]:
    return [backbone.tokenizer.source(text) for text in TEXTS]


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [
        *((1.0, 0, 1.0), (0.5, 0, 1.0), (2.0, 0, 1.0), (1.0, 3, 1.0), (1.0, 99, 1.0), (1.0, 0, 0.6), (1.0, 0, 1e-6)),
        *((0.7, 5, 0.8), (1.5, 4, 0.9)),
    ],
)
def test_the_distribution_is_that_of_the_librarys_processors(temperature: float, top_k: int, top_p: float) -> None:
    logits = 3 * torch.randn(50, 12, generator=torch.Generator().manual_seed(0))
    processors = LogitsProcessorList([TemperatureLogitsWarper(temperature)])
    if top_k:
        processors.append(TopKLogitsWarper(top_k))
    if top_p < 1:
        processors.append(TopPLogitsWarper(top_p))
    expected = processors(torch.zeros(50, 1, dtype=torch.long), logits.clone()).softmax(dim=1)
    config = replace(SAMPLE, temperature=temperature, top_k=top_k, top_p=top_p)
    torch.testing.assert_close(restricted(logits, config), expected, rtol=1e-5, atol=1e-7)


def test_numbers_spread_evenly_draw_tokens_by_their_probability() -> None:
    probabilities = torch.tensor([0.0, 0.5, 0.125, 0.0, 0.375, 0.0])
    numbers = torch.arange(8, dtype=torch.float64) / 8
    assert draw(probabilities.expand(8, -1), numbers).tolist() == [1, 1, 1, 1, 2, 4, 4, 4]


def test_random_numbers_differ_by_seed_prompt_and_sample_alone() -> None:
    numbers = uniform_numbers([1, 2], SAMPLE)
    assert numbers.shape == (3, 6)
    assert torch.equal(numbers, uniform_numbers([1, 2], replace(SAMPLE, outputs=3, temperature=2.0)))
    assert torch.equal(numbers[:2], uniform_numbers([1, 2], replace(SAMPLE, outputs=2)))
    others = [uniform_numbers([2, 1], SAMPLE), uniform_numbers([1, 2], replace(SAMPLE, seed=1)), numbers.roll(1, 0)]
    assert not any(torch.equal(numbers, other) for other in others)


def naive(backbone: Backbone, method: FixedPrefix, prompt: list[int], config: DecodeConfig) -> list[list[int]]:
    """Each sample by itself: the next token's logits from a prefill of the prompt and what was written."""
    samples = []
    for numbers in uniform_numbers(prompt, config):
        written: list[int] = []
        for number in numbers:
            with torch.inference_mode(), method.attach(backbone):
                hidden = method.prefill(backbone, [[*prompt, *written]]).hidden
                logits = backbone.logits(hidden[:, 0]).float()
            logits = RepetitionPenaltyLogitsProcessor(config.repetition_penalty)(
                torch.tensor([[*prompt, *written]]), logits
            )
            logits[:, backbone.tokenizer.newlines()] = -torch.inf
            token = int(draw(restricted(logits, config), number[None]))
            if token == backbone.tokenizer.end:
                break
            written.append(token)
        samples.append(written)
    return samples


@pytest.mark.parametrize("settings", [{}, {"repetition_penalty": 1.5}, {"top_k": 5, "temperature": 0.8, "top_p": 0.9}])
def test_samples_are_those_of_full_forward_passes(
    backbone: Backbone, method: FixedPrefix, settings: dict[str, float]
) -> None:
    if backbone.is_seq2seq:
        pytest.skip("an encoder's prompt is not continued by the output")
    config = replace(SAMPLE, **settings)  # type: ignore[arg-type]
    outputs = generate_all(backbone, method, prompts(backbone), config)
    assert outputs == [naive(backbone, method, prompt, config) for prompt in prompts(backbone)]


def test_a_sample_depends_on_the_seed_and_its_input_alone(backbone: Backbone, method: FixedPrefix) -> None:
    together = generate_all(backbone, method, prompts(backbone), SAMPLE)
    assert together == [generate_all(backbone, method, [prompt], SAMPLE)[0] for prompt in prompts(backbone)]
    assert together == generate_all(backbone, method, prompts(backbone)[::-1], SAMPLE)[::-1]
    assert [texts[0] for texts in together] == generate(backbone, method, prompts(backbone), replace(SAMPLE, outputs=1))
    assert together != generate_all(backbone, method, prompts(backbone), replace(SAMPLE, seed=1))
    assert len({tuple(ids) for texts in together for ids in texts}) == 9


def test_the_most_likely_token_alone_is_greedy_decoding(backbone: Backbone, method: FixedPrefix) -> None:
    greedy = generate(backbone, method, prompts(backbone), replace(SAMPLE, sample=False, outputs=1))
    for settings in ({"top_k": 1}, {"top_p": 1e-6}):
        outputs = generate_all(backbone, method, prompts(backbone), replace(SAMPLE, **settings))  # type: ignore[arg-type]
        assert outputs == [[ids] * 3 for ids in greedy]


def test_outputs_end_at_their_end_token_and_have_their_least_length(backbone: Backbone, method: FixedPrefix) -> None:
    end = backbone.tokenizer.end

    class Eager:
        """A backbone that writes the end token in half of the cases."""

        def __getattr__(self, name: str) -> object:
            return getattr(backbone, name)

        def logits(self, states: Tensor) -> Tensor:
            logits = backbone.logits(states)
            logits[:, end] = logits.logsumexp(1)
            return logits

    config = replace(SAMPLE, outputs=20)
    lengths = {len(ids) for texts in generate_all(Eager(), method, prompts(backbone), config) for ids in texts}  # type: ignore[arg-type]
    assert {0, 1, 2} < lengths
    outputs = generate_all(Eager(), method, prompts(backbone), replace(config, min_new_tokens=2))  # type: ignore[arg-type]
    assert min(len(ids) for texts in outputs for ids in texts) == 2
    assert not any(end in ids for texts in outputs for ids in texts)
