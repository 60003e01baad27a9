"""The first layers of a model compute what the whole one has behind them."""

import pytest
import torch

from prefixrun.config.schema import ModelConfig
from prefixrun.errors import ConfigError
from prefixrun.methods.budget import solved
from prefixrun.models.blocks import final_norm, stacks
from prefixrun.models.loading import load
from prefixrun.models.skeleton import skeleton
from prefixrun.runs.configure import compose
from prefixrun.runs.identity import find_run


def model(name: str, **changes: object) -> ModelConfig:
    layout = "bart" if name == "tiny_bart" else "paper"
    return ModelConfig(name=name, source="random", architecture=name, layout=layout, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["tiny_gpt2", "tiny_llama"])
def test_the_last_layer_that_stays_is_followed_by_the_final_norm(name: str) -> None:
    whole, part = load(model(name)), load(model(name, layers=1))
    ids = torch.tensor([[5, 9, 70, 3]])
    norm = final_norm(stacks(whole.model)[0])
    assert norm is not None
    with torch.no_grad():
        behind_the_first = whole.model(ids, output_hidden_states=True).hidden_states[1]
        torch.testing.assert_close(part.model(ids).logits, whole.logits(norm(behind_the_first)))
    assert (part.shape.layers, skeleton(model(name, layers=1)).shape.layers) == (1, 1)
    assert part.total == skeleton(model(name, layers=1)).total < whole.total


def test_what_has_no_first_layers_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^model\.layers=3: model=tiny_llama has 3 layers; give fewer"):
        load(model("tiny_llama", layers=3))
    with pytest.raises(ConfigError, match=r"^model\.layers=1: is for decoder-only models"):
        load(model("tiny_bart", layers=1))


def test_a_run_on_them_has_a_name_and_an_id_of_its_own() -> None:
    words = ("model=tiny_llama", "method=prefix_flat")
    part = compose([*words, "model.layers=2"])
    assert part.model.name == "tiny_llama_first2"
    assert compose([*words, "model.layers=2", "model.name=tiny_llama_first2"]).model.name == part.model.name
    assert compose(list(words)).model.name == "tiny_llama"
    assert find_run(part).id != find_run(compose(list(words))).id
    assert solved(compose([*words, "budget=1%", "model.layers=2"])).model.layers == 2
