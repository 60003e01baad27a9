import pytest
import torch
from torch.nn.functional import linear

from prefixrun.models import frozen_linear as module
from prefixrun.models.frozen_linear import (
    can_multiply,
    frozen_linear,
    has_operator,
    multiply,
    multiply_add,
    multiply_each,
)

pytestmark = pytest.mark.needs("onednn")


def numbers(*size: int) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(sum(size)))


@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("is_transposed", [True, False])
def test_values_and_gradients_are_those_of_torch(with_bias: bool, is_transposed: bool) -> None:
    weight = numbers(7, 5).T if is_transposed else numbers(5, 7)
    bias = numbers(5) if with_bias else None
    ours, theirs = (numbers(2, 3, 7).requires_grad_() for _ in range(2))
    product, expected = frozen_linear(ours, weight, bias), linear(theirs, weight, bias)
    torch.testing.assert_close(product, expected)
    for output in (product, expected):
        output.backward(numbers(2, 3, 5))
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_without_gradients_nothing_is_kept() -> None:
    assert frozen_linear(numbers(3, 7), numbers(5, 7)).grad_fn is None
    with torch.no_grad():
        assert frozen_linear(numbers(3, 7).requires_grad_(), numbers(5, 7)).grad_fn is None


def test_a_product_is_added_to_another_tensor() -> None:
    x, weight, other = numbers(3, 7), numbers(5, 7), numbers(3, 5)
    torch.testing.assert_close(multiply_add(x, weight, other), multiply(x, weight) + other)


@pytest.mark.parametrize("large", [1, 10**9])
@pytest.mark.parametrize("lies_across", [(False, False), (False, True), (True, False)])
def test_several_products(large: int, lies_across: tuple[bool, bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGE", large)
    left, right = (
        numbers(3, second, first).transpose(1, 2) if across else numbers(3, first, second)
        for across, (first, second) in zip(lies_across, ((5, 7), (7, 4)), strict=True)
    )
    torch.testing.assert_close(multiply_each(left, right), torch.bmm(left, right))


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        (torch.ones(2, 2), True),
        (torch.ones(2, 2, requires_grad=True), False),
        (torch.ones(2, 2, dtype=torch.bfloat16), has_operator(torch.bfloat16)),
        (torch.ones(2, 2, dtype=torch.float16), False),
        (torch.ones(2, 2, device="meta"), False),
    ],
)
def test_which_weights(weight: torch.Tensor, expected: bool) -> None:
    assert can_multiply(weight) is expected
