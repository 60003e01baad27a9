"""Fine-tuning: which parameters, how many, and that the backbone's own stay where they are."""

from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, PreTrainedModel

from prefixrun import methods
from prefixrun.config.compose import compose
from prefixrun.config.schema import Config
from prefixrun.errors import ConfigError, DamagedStateError
from prefixrun.methods.finetune import FineTuned, names, top_names
from prefixrun.models.backbone import Backbone, load

IDS = torch.tensor([[5, 6, 7, 8]])


@pytest.fixture(scope="module")
def medium() -> PreTrainedModel:
    """GPT-2 Medium: shapes alone."""
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(GPT2Config(n_embd=1024, n_layer=24, n_head=16))  # type: ignore[no-any-return]


def config(method: str, *changes: str) -> Config:
    return compose([f"method={method}", *changes])


def count(model: PreTrainedModel, chosen: list[str]) -> int:
    return sum(model.get_parameter(name).numel() for name in chosen)


@pytest.mark.parametrize(("embedding", "numbers"), [(False, 25_194_496), (True, 76_658_688 - 1024)])
def test_the_papers_top_two_layers(medium: PreTrainedModel, embedding: bool, numbers: int) -> None:
    """Two blocks of 12,596,224 and ln_f; wte has 50,257 x 1,024 numbers, a row fewer than with the code's pad token."""
    chosen = top_names(medium, 2, embedding)
    assert count(medium, chosen) == numbers
    assert {name.split(".")[2] for name in chosen if ".h." in name} == {"22", "23"}
    assert ("transformer.wte.weight" in chosen) is embedding


def test_all_parameters_count_a_tied_one_once(medium: PreTrainedModel) -> None:
    assert count(medium, names(config("finetune"), medium)) == 354_823_168


def test_the_number_of_layers_counts_from_the_top(medium: PreTrainedModel) -> None:
    chosen = names(config("finetune_top", "method.layers=3"), medium)
    assert {name.split(".")[2] for name in chosen if ".h." in name} == {"21", "22", "23"}


def test_more_layers_than_there_are_are_refused_at_the_start(backbone: Backbone) -> None:
    with pytest.raises(ConfigError, match=r"method\.layers=9: this model has [23] of them"):
        methods.refuse(config("finetune_top", "method.layers=9"), backbone)


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


def test_weights_of_another_model_are_refused(backbone: Backbone) -> None:
    settings = config("finetune_top", "method.layers=1")
    stored = methods.build(settings, backbone).trained_tensors()
    with pytest.raises(DamagedStateError, match="is missing"):
        methods.restore(replace(settings, method=replace(settings.method, layers=2)), backbone, stored)
    name = next(iter(stored))
    with pytest.raises(DamagedStateError, match=f"{name} is torch.float32 of"):
        methods.restore(settings, backbone, {**stored, name: stored[name][None]})
    with pytest.raises(DamagedStateError, match=f"{name} is torch.int64 of"):
        methods.restore(settings, backbone, {**stored, name: stored[name].long()})


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
