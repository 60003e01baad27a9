"""Which search or draw writes the outputs, and which of them is the one that is scored."""

from dataclasses import replace

import pytest

from prefixrun.config.schema import DecodeConfig, ModelConfig
from prefixrun.decoding.beam_search import BeamSearch
from prefixrun.decoding.generate import generate, generate_all, generate_each
from prefixrun.decoding.sampling import Sampling
from prefixrun.decoding.search import decode_queue
from prefixrun.methods.base import Method
from prefixrun.models.loading import load

SEARCH = DecodeConfig(
    name="t", beams=3, outputs=2, max_new_tokens=5, length_norm="generated", ban_newlines=True, batch_size=8
)


@pytest.mark.parametrize(
    ("config", "strategy"),
    [(SEARCH, BeamSearch), (replace(SEARCH, beams=1, sample=True), Sampling)],
    ids=["beams", "sample"],
)
def test_all_outputs_and_the_first_of_them(config: DecodeConfig, strategy: type[BeamSearch] | type[Sampling]) -> None:
    backbone = load(ModelConfig(name="tiny_gpt2", source="random", architecture="tiny_gpt2"))
    prompts = [backbone.tokenizer.source(text) for text in ("name : Aromi", "a")]
    outputs = generate_all(backbone, Method(), prompts, config)
    written = decode_queue(backbone, Method(), prompts, strategy(backbone, prompts, config), 2)
    assert dict(enumerate(outputs)) == dict(written) == dict(generate_each(backbone, Method(), prompts, config))
    assert [len(several) for several in outputs] == [2, 2]
    assert generate(backbone, Method(), prompts, config) == [several[0] for several in outputs]
