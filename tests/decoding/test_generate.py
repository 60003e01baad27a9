"""Which search or draw writes the outputs, and which of them is the one that is scored."""

from dataclasses import replace

import pytest

from prefixrun.config.schema import DecodeConfig, ModelConfig
from prefixrun.decoding.beam_search import beam_search
from prefixrun.decoding.generate import generate, generate_all
from prefixrun.decoding.sampling import sample
from prefixrun.methods.base import Method
from prefixrun.models.backbone import load

SEARCH = DecodeConfig(
    name="t", beams=3, outputs=2, max_new_tokens=5, length_norm="generated", ban_newlines=True, batch_size=8
)


@pytest.mark.parametrize(
    ("config", "written_by"),
    [(SEARCH, beam_search), (replace(SEARCH, beams=1, sample=True), sample)],
    ids=["beams", "sample"],
)
def test_all_outputs_and_the_first_of_them(config: DecodeConfig, written_by: object) -> None:
    backbone = load(ModelConfig(name="tiny_gpt2", source="random", architecture="tiny_gpt2"))
    prompts = [backbone.tokenizer.source(text) for text in ("name : Aromi", "a")]
    outputs = generate_all(backbone, Method(), prompts, config)
    assert outputs == written_by(backbone, Method(), prompts, config)  # type: ignore[operator]
    assert [len(several) for several in outputs] == [2, 2]
    assert generate(backbone, Method(), prompts, config) == [several[0] for several in outputs]
