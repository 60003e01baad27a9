"""Random models: the same for the same seed, whatever was drawn before, and with outputs that differ."""

import pytest
import torch

from prefixrun.models.architectures import random_model

TINY = ["tiny_gpt2", "tiny_llama", "tiny_bart", "tiny_t5"]


@pytest.mark.parametrize("architecture", TINY)
def test_the_weights_depend_on_the_seed_alone(architecture: str) -> None:
    torch.manual_seed(1)
    first = random_model(architecture, seed=5).state_dict()
    after = torch.rand(2)
    torch.manual_seed(1)
    assert torch.equal(after, torch.rand(2)), "the stream of the caller has not moved"
    again, other = random_model(architecture, seed=5).state_dict(), random_model(architecture, seed=6).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("architecture", TINY)
def test_outputs_of_a_tiny_model_are_far_from_alike(architecture: str) -> None:
    model = random_model(architecture).eval()
    ids = torch.arange(40).view(1, -1)
    inputs = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
    with torch.no_grad():
        probabilities = model(input_ids=ids, use_cache=False, **inputs).logits.softmax(-1)
    assert probabilities.amax(-1).median() > 3 / probabilities.shape[-1]
    assert len(set(probabilities.argmax(-1).flatten().tolist())) > 5
