"""Fine-tuning: which parameters, how many, and that the backbone's stay where they are."""

import pytest
import torch

from prefixrun import methods
from prefixrun.config.compose import compose
from prefixrun.config.schema import Config
from prefixrun.methods.finetune import FineTuned
from prefixrun.models.backbone import Backbone
from prefixrun.models.loading import load

IDS = torch.tensor([[5, 6, 7, 8]])


def config(method: str, *changes: str) -> Config:
    return compose([f"method={method}", *changes])


def test_every_place_of_a_tied_parameter_is_taken_and_given_back(backbone: Backbone) -> None:
    method = methods.build(config("finetune"), backbone)
    embeddings, head = backbone.model.get_input_embeddings(), backbone.model.get_output_embeddings()
    before = embeddings.weight
    assert head.weight is before
    with method.attach(backbone), method.attach(backbone):
        assert embeddings.weight is head.weight is backbone.head
        assert head.weight is not before
        assert len(list(backbone.model.parameters())) == len(list(method.parameters()))
        assert all(parameter.requires_grad for parameter in backbone.model.parameters())
    assert embeddings.weight is head.weight is before
    assert not any(parameter.requires_grad for parameter in backbone.model.parameters())


def test_gradients_are_those_of_the_unfrozen_model(backbone: Backbone) -> None:
    """The tied embedding gets both parts: as input and as output layer."""
    method = methods.build(config("finetune"), backbone)
    with method.attach(backbone):
        loss = backbone.model(input_ids=IDS, labels=IDS, use_cache=False).loss
    loss.backward()
    backbone.model.requires_grad_(True)
    backbone.model(input_ids=IDS, labels=IDS, use_cache=False).loss.backward()
    assert isinstance(method, FineTuned)
    for (name, theirs), ours in zip(backbone.model.named_parameters(), method.weights, strict=True):
        assert torch.equal(ours.grad, theirs.grad), name  # type: ignore[arg-type]


def test_what_is_stored_has_the_names_of_the_model(backbone: Backbone) -> None:
    """So it loads into a plain model of transformers."""
    stored = methods.build(config("finetune"), backbone).trained_tensors()
    assert stored.keys() == dict(backbone.model.named_parameters()).keys()


@pytest.mark.parametrize("tiny", ["tiny_gpt2", "tiny_llama"])
def test_steps_that_half_precision_would_round_away_are_kept_in_float32(tiny: str) -> None:
    """Adam moves each weight by 1e-5 a step; half of bfloat16's spacing is more than that for all but the smallest."""
    settings = config("finetune", "precision=bf16", f"model={tiny}")
    backbone = load(settings.model, precision="bf16")
    before = {name: weight.clone() for name, weight in backbone.model.named_parameters()}
    method = methods.build(settings, backbone)
    optimiser = torch.optim.AdamW(method.parameters(), lr=1e-5, weight_decay=0.0)
    start = {name: weight.clone() for name, weight in method.trained_tensors().items()}
    for _ in range(3):
        with method.attach(backbone), method.attach(backbone):
            assert backbone.head.dtype == torch.bfloat16
            backbone.model(IDS, labels=IDS).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    moved = [float((weight - start[name]).abs().max()) for name, weight in method.trained_tensors().items()]
    assert max(moved) == pytest.approx(3e-5, rel=0.2)
    for name, weight in backbone.model.named_parameters():
        assert torch.equal(weight, before[name])
