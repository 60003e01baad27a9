"""Terms of attention's output against the same sums written out, row by row and head by head."""

import pytest
import torch
from torch.nn.functional import elu

from prefixrun.models.output_terms import GatedAttention, Memory

ROWS, KV_HEADS, GROUP, QUERIES, LENGTH, HEAD_DIM = 2, 3, 2, 4, 5, 6
STREAM = torch.Generator().manual_seed(0)
QUERY = torch.randn(ROWS, KV_HEADS * GROUP, QUERIES, HEAD_DIM, generator=STREAM)
FIRST, SECOND = torch.randn(2, KV_HEADS, LENGTH, HEAD_DIM, generator=STREAM)
GATE = torch.randn(KV_HEADS * GROUP, generator=STREAM)


@pytest.mark.parametrize("softcap", [None, 0.7])
def test_gated_attention_has_a_softmax_of_its_own(softcap: float | None) -> None:
    output = GatedAttention(FIRST, SECOND, GATE)(QUERY, 0.3, softcap)
    assert output.shape == (ROWS, QUERIES, KV_HEADS * GROUP, HEAD_DIM)
    for row in range(ROWS):
        for head in range(KV_HEADS * GROUP):
            scores = 0.3 * QUERY[row, head] @ FIRST[head // GROUP].T
            scores = scores if softcap is None else softcap * torch.tanh(scores / softcap)
            expected = GATE[head] * torch.softmax(scores, dim=-1) @ SECOND[head // GROUP]
            torch.testing.assert_close(output[row, :, head], expected)


def test_the_weights_of_gated_attention_are_those_of_its_values() -> None:
    term = GatedAttention(FIRST, SECOND, GATE.abs())
    weights = term.weights_by_row(QUERY, 0.3, None)
    assert weights.shape == (ROWS, KV_HEADS * GROUP, QUERIES, LENGTH)
    torch.testing.assert_close(weights.sum(dim=-1), GATE.abs()[None, :, None].expand(ROWS, -1, QUERIES))
    values = SECOND.repeat_interleave(GROUP, dim=0)
    torch.testing.assert_close(torch.matmul(weights, values).transpose(1, 2), term(QUERY, 0.3, None))


def test_a_memory_is_a_linear_map_of_the_querys_features() -> None:
    """The scale of scores and their cap do not reach it."""
    output = Memory(FIRST, SECOND)(QUERY, 0.3, 0.7)
    for row in range(ROWS):
        for head in range(KV_HEADS * GROUP):
            matrix = FIRST[head // GROUP].T @ SECOND[head // GROUP] / (LENGTH * HEAD_DIM**0.5)
            torch.testing.assert_close(output[row, :, head], elu(QUERY[row, head]) @ matrix)
