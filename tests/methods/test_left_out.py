"""A prefix without parts of it: what a prefix would be that had the other positions or layers alone."""

import pytest
import torch

from prefixrun.methods.base import Method
from prefixrun.methods.left_out import LeftOut, Part
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.models.backbone import Backbone
from tiny_methods import prefix_on, states

LENGTH = 3
EVERYWHERE = tuple(range(LENGTH))


class Elsewhere(FixedPrefix):
    """Shorter keys and values with the text where it is behind LENGTH positions."""

    @property
    def offset(self) -> int:
        return LENGTH


class Nothing(Method):
    @property
    def offset(self) -> int:
        return LENGTH


def all_layers(backbone: Backbone) -> tuple[int, ...]:
    return tuple(range(backbone.shape.layers))


@pytest.mark.parametrize("model", ["tiny_gpt2", "tiny_llama"])
def test_without_a_position_it_is_the_others(model: str) -> None:
    prefix, backbone = prefix_on(f"model={model}")
    tensor, layers = prefix.trained_tensors()["decoder"], all_layers(backbone)
    for position in EVERYWHERE:
        kept = [each for each in EVERYWHERE if each != position]
        left_out = LeftOut(prefix, [Part("decoder", layers, (position,))])
        expected = states(Elsewhere({"decoder": tensor[:, :, :, kept]}), backbone)
        torch.testing.assert_close(states(left_out, backbone), expected)
    everything = LeftOut(prefix, [Part("decoder", layers, EVERYWHERE)])
    torch.testing.assert_close(states(everything, backbone), states(Nothing(), backbone))
    assert torch.equal(states(LeftOut(prefix, []), backbone), states(prefix, backbone))


@pytest.mark.parametrize("model", ["tiny_gpt2", "tiny_bart"])
def test_without_a_layer_or_site_it_is_a_prefix_of_the_others(model: str) -> None:
    prefix, backbone = prefix_on(f"model={model}")
    tensors = prefix.trained_tensors()
    upper = FixedPrefix({site: tensor[1:] for site, tensor in tensors.items()}, layers=(1,))
    lowest = LeftOut(prefix, [Part(site, (0,), EVERYWHERE) for site in backbone.sites])
    torch.testing.assert_close(states(lowest, backbone), states(upper, backbone))
    if backbone.is_seq2seq:
        others = FixedPrefix({site: tensor for site, tensor in tensors.items() if site != "cross"})
        layers = all_layers(backbone)
        without = LeftOut(prefix, [Part("cross", layers, EVERYWHERE)])
        torch.testing.assert_close(states(without, backbone), states(others, backbone))


def test_a_gated_prefix_has_a_softmax_over_the_others() -> None:
    prefix, backbone = prefix_on("model=tiny_llama", "method=prefix_gated")
    layers = all_layers(backbone)
    left_out = LeftOut(prefix, [Part("decoder", layers, (1,))])
    other, _ = prefix_on("model=tiny_llama", "method=prefix_gated")
    for stored, parameter in zip(prefix.trained_tensors().values(), other.parameters(), strict=False):
        parameter.data = stored if stored.dim() == 2 else stored[:, :, :, [0, 2]]
    torch.testing.assert_close(states(left_out, backbone), states(other, backbone))
    assert left_out.offset == 0


@pytest.mark.parametrize("query", ["rotated", "unrotated"])
def test_in_the_sum_of_a_prefix_outside_the_softmax_a_position_is_missing(query: str) -> None:
    prefix, backbone = prefix_on("model=tiny_llama", "method=prefix_plus", f"method.query={query}")
    left_out = LeftOut(prefix, [Part("decoder", (1,), (0, 2))])
    expected = states(prefix, backbone)
    (parameter,) = prefix.parameters()
    without, before = states(left_out, backbone), parameter.data.clone()
    parameter.data[1, 1, :, [0, 2]] = 0
    torch.testing.assert_close(without, states(prefix, backbone))
    parameter.data = before
    assert not torch.equal(without, expected)
    everything = LeftOut(prefix, [Part("decoder", all_layers(backbone), EVERYWHERE)])
    torch.testing.assert_close(states(everything, backbone), states(Method(), backbone))
