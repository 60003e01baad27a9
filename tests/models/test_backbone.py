"""The parts of a model by the names that all families share."""

import pytest
import torch

from prefixrun.config.schema import ModelConfig
from prefixrun.models.loading import load


@pytest.mark.parametrize("architecture", ["tiny_gpt2", "tiny_llama"])
def test_the_body_and_the_head_are_the_model(architecture: str) -> None:
    backbone = load(ModelConfig(name=architecture, source="random", architecture=architecture))  # type: ignore[arg-type]
    ids = torch.tensor([backbone.tokenizer.source("name : Aromi")])
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "use_cache": False}
    with torch.no_grad():
        states = backbone.body(**inputs).last_hidden_state
        logits = backbone.model(**inputs).logits
    torch.testing.assert_close(states @ backbone.head.T, logits)
    torch.testing.assert_close(backbone.logits(states), logits)
    assert (backbone.is_seq2seq, backbone.sites) == (False, ("decoder",))
    assert backbone.embed(ids).shape == (1, ids.shape[1], backbone.embedding_width)
    assert backbone.total == backbone.model.num_parameters()
