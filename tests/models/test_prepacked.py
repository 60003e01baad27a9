from dataclasses import replace

import pytest
import torch

from prefixrun.methods import finetune
from prefixrun.models.backbone import Backbone
from prefixrun.models.prepacked import prepacked_weights


def test_packed_weights_give_the_same_logits_and_the_model_is_as_before_afterwards(backbone: Backbone) -> None:
    ids = torch.arange(20).view(2, 10)
    with torch.inference_mode():
        plain = backbone.model(ids).logits
        with prepacked_weights(backbone.model):
            inside = backbone.model(ids).logits
            replaced = [name for name, module in backbone.model.named_modules() if "forward" in vars(module)]
        after = backbone.model(ids).logits
    assert replaced
    torch.testing.assert_close(inside, plain, rtol=1e-5, atol=1e-5)
    assert torch.equal(after, plain)
    assert not any("forward" in vars(module) for module in backbone.model.modules())


def test_weights_that_a_method_puts_there_within_are_taken(backbone: Backbone) -> None:
    """A search attaches its method itself."""
    torch.manual_seed(0)
    method = finetune.copies(backbone.model, finetune.names(backbone.model)).requires_grad_(False)
    ids = torch.arange(20).view(2, 10)
    with torch.inference_mode():
        for weight in method.weights:
            weight += 0.1 * torch.randn_like(weight)
        with method.attach(backbone):
            trained = backbone.model(ids).logits
        plain = backbone.model(ids).logits
        with prepacked_weights(backbone.model):
            for _ in range(2):
                torch.testing.assert_close(backbone.model(ids).logits, plain, rtol=1e-5, atol=1e-5)
                with method.attach(backbone):
                    torch.testing.assert_close(backbone.model(ids).logits, trained, rtol=1e-5, atol=1e-5)
        assert torch.equal(backbone.model(ids).logits, plain)
        with method.attach(backbone):
            assert torch.equal(backbone.model(ids).logits, trained)


@pytest.mark.needs("onednn_bf16")
def test_bfloat16_is_packed_too(backbone: Backbone) -> None:
    ids = torch.arange(20).view(2, 10)
    half = backbone.model.bfloat16()
    with torch.inference_mode():
        plain = half(ids).logits
        with prepacked_weights(half):
            assert any("forward" in vars(module) for module in half.modules())
            torch.testing.assert_close(half(ids).logits, plain, rtol=0.05, atol=0.02)


def test_other_number_formats_are_left_alone(backbone: Backbone) -> None:
    half = replace(backbone, model=backbone.model.half())
    with prepacked_weights(half.model):
        assert not any("forward" in vars(module) for module in half.model.modules())


@pytest.mark.needs("onednn")
@pytest.mark.parametrize("with_bias", [True, False])
def test_onednn_packs_and_multiplies(with_bias: bool) -> None:
    stream = torch.Generator().manual_seed(0)
    weight, x = torch.randn(5, 7, generator=stream), torch.randn(3, 7, generator=stream)
    bias = torch.randn(5, generator=stream) if with_bias else None
    packed = torch.ops.mkldnn._reorder_linear_weight(weight, 160)
    product = torch.ops.mkldnn._linear_pointwise(x, packed, bias, "none", [], "")
    torch.testing.assert_close(product, torch.nn.functional.linear(x, weight, bias))
