"""What prefixes outside the softmax have in common: the start, the positions of the text, one inside another."""

import pytest
import torch

from prefixrun import methods
from prefixrun.config.compose import compose
from prefixrun.config.schema import Config
from prefixrun.errors import ConfigError
from prefixrun.methods.attach import Attachment
from prefixrun.methods.base import Method
from prefixrun.models.loading import load
from tiny_methods import moved, states

NAMES = ("prefix_gated", "prefix_plus")


def config_of(name: str, model: str = "tiny_llama", *overrides: str) -> Config:
    return compose([f"model={model}", f"method={name}", "prefix_len=3", "init=random", *overrides])


@pytest.mark.parametrize("init", ["random", "words", "vocab", "uniform"])
@pytest.mark.parametrize("model", ["tiny_gpt2", "tiny_llama", "tiny_bart", "tiny_t5"])
@pytest.mark.parametrize("name", NAMES)
def test_the_start_is_the_plain_model_to_the_bit(name: str, model: str, init: str) -> None:
    """The text stands at the positions that it has without the method."""
    config = config_of(name, model, f"init={init}")
    backbone = load(config.model)
    method = methods.build(config, backbone)
    method.initialize(backbone, config)
    assert torch.equal(states(method, backbone), states(Method(), backbone))
    assert not torch.equal(states(moved(config, backbone), backbone), states(Method(), backbone))


@pytest.mark.parametrize("name", NAMES)
def test_a_start_without_a_gradient_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"^init=zero: does not work with method={name}; give one of words, random"):
        config_of(name, "tiny_llama", "init=zero")


@pytest.mark.parametrize("name", NAMES)
def test_a_restored_prefix_is_used_without_dropout(name: str) -> None:
    config = config_of(name, "tiny_llama", "method.prefix_dropout=0.5")
    backbone = load(config.model)
    trained = moved(config, backbone)
    restored = methods.restore(config, backbone, trained.trained_tensors())
    assert torch.equal(states(restored, backbone), states(trained.eval(), backbone))


@pytest.mark.parametrize("name", NAMES)
def test_the_lengths_of_the_input_do_not_change_its_share(name: str) -> None:
    """The term of a query is the same behind a short and a long text."""
    config = config_of(name)
    backbone = load(config.model)
    query = torch.randn(1, backbone.shape.heads, 1, backbone.shape.head_dim)
    method = moved(config, backbone)
    (module, *_) = (part for part in backbone.model.modules() if hasattr(part, "layer_idx"))
    with torch.no_grad(), method.attach(backbone):
        first, second = (module.output_term(query.expand(-1, -1, length, -1), 1.0, None) for length in (1, 9))
        torch.testing.assert_close(first.expand_as(second), second)


@pytest.mark.parametrize("name", NAMES)
def test_layers_without_it_are_left_alone(name: str) -> None:
    config = config_of(name, "tiny_llama", "method.layers=0-2/2")
    backbone = load(config.model)
    with moved(config, backbone).attach(backbone):
        terms = [getattr(part, "output_term", None) for part in backbone.model.modules() if hasattr(part, "layer_idx")]
    assert [term is None for term in terms] == [False, True, False]


@pytest.mark.parametrize("model", ["tiny_llama", "tiny_t5"])
@pytest.mark.parametrize("name", NAMES)
def test_it_is_attached_to_a_model_that_is_used_by_itself(name: str, model: str) -> None:
    config = config_of(name, model)
    backbone = load(config.model)
    ids = torch.tensor([[5, 6, 7, 8]])
    inputs = {"input_ids": ids, **({"decoder_input_ids": ids} if backbone.is_seq2seq else {})}
    method = moved(config, backbone)
    with torch.inference_mode():
        before = backbone.model(**inputs).logits
        with Attachment(method, name, backbone) as attached:
            assert not torch.equal(attached(**inputs).logits, before)
        assert torch.equal(backbone.model(**inputs).logits, before)
