import pytest
import torch
from torch import Tensor

from prefixrun.models import frozen_linear
from prefixrun.models.attention_gradient import attend

ROWS, HEADS, KV_HEADS, QUERIES, HEAD_DIM, LENGTH, SCALING = 2, 4, 2, 5, 8, 3, 0.4


def plain(query: Tensor, key: Tensor, value: Tensor, prefix: tuple[Tensor, Tensor] | None, mask: Tensor) -> Tensor:
    before = 0
    if prefix is not None:
        before = prefix[0].shape[2]
        key = torch.cat([prefix[0].expand(ROWS, -1, -1, -1), key], dim=2)
        value = torch.cat([prefix[1].expand(ROWS, -1, -1, -1), value], dim=2)
    key, value = (each.repeat_interleave(HEADS // KV_HEADS, dim=1) for each in (key, value))
    scores = query @ key.transpose(2, 3) * SCALING + torch.nn.functional.pad(mask, (before, 0))
    return (scores.softmax(dim=-1) @ value).transpose(1, 2)


@pytest.mark.parametrize("with_prefix", [True, False])
@pytest.mark.parametrize("mask_rows", [1, ROWS])
@pytest.mark.parametrize("large", [1, frozen_linear.LARGE], ids=["one by one", "in batches"])
def test_values_and_gradients_are_those_of_the_definition(
    with_prefix: bool, mask_rows: int, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frozen_linear, "LARGE", large)
    stream = torch.Generator().manual_seed(0)

    def numbers(*size: int) -> Tensor:
        return torch.randn(size, generator=stream)

    # As transformers lays them out: the projections leave (rows, length, heads, head_dim).
    tensors = [numbers(ROWS, QUERIES, heads, HEAD_DIM).transpose(1, 2) for heads in (HEADS, KV_HEADS, KV_HEADS)]
    if with_prefix:
        tensors += [numbers(1, KV_HEADS, LENGTH, HEAD_DIM) for _ in range(2)]
    mask = torch.zeros(mask_rows, 1, QUERIES, QUERIES).masked_fill(numbers(QUERIES, QUERIES) > 1, -1e30)
    upstream = numbers(ROWS, QUERIES, HEADS, HEAD_DIM)
    results = []
    for function in (lambda *given: attend(*given, SCALING), plain):
        inputs = [tensor.clone().requires_grad_() for tensor in tensors]
        output = function(*inputs[:3], tuple(inputs[3:]) or None, mask)
        output.backward(upstream)
        results.append([output, *(each.grad for each in inputs)])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_only_the_prefix_gets_a_gradient_where_only_it_asks_for_one() -> None:
    query, key, value = (torch.ones(ROWS, heads, QUERIES, HEAD_DIM) for heads in (HEADS, KV_HEADS, KV_HEADS))
    prefix = torch.ones(1, KV_HEADS, LENGTH, HEAD_DIM, requires_grad=True)
    attend(query, key, value, (prefix, prefix), None, SCALING).sum().backward()
    assert prefix.grad is not None
    assert query.grad is None
