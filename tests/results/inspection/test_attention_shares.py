"""The attention of each position against a softmax written out, and where there is none."""

import pytest
import torch
from torch import Tensor

from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Row
from prefixrun.results.inspection.attention_shares import READING, WRITING, attention_shares
from tiny_methods import prefix_on

LENGTH = 3
ROWS = [Row((5, 6, 7, 256), ((8, 9, 256),)), Row((11, 256), ((12, 13, 14, 256),))]


@torch.no_grad()
def lowest_layer(backbone: Backbone, prefix: Tensor, row: Row) -> Tensor:
    """(tokens, LENGTH): weights of GPT-2's lowest layer, the mean over heads, head by head and token by token."""
    model = backbone.model.transformer
    block = model.h[0]
    ids = torch.tensor([*row.source, *row.targets[0][:-1]])
    states = model.wte(ids) + model.wpe(torch.arange(LENGTH, LENGTH + len(ids)))
    query, key, _ = block.attn.c_attn(block.ln_1(states)).split(backbone.shape.width, dim=-1)
    size = backbone.shape.head_dim
    weights = torch.zeros(len(ids), LENGTH)
    for head in range(backbone.shape.heads):
        part = slice(head * size, (head + 1) * size)
        keys = torch.cat([prefix[0, 0, head], key[:, part]])
        for token in range(len(ids)):
            scores = keys[: LENGTH + token + 1] @ query[token, part] / size**0.5
            weights[token] += torch.softmax(scores, dim=0)[:LENGTH] / backbone.shape.heads
    return weights


def test_shares_are_those_of_a_softmax_by_hand() -> None:
    prefix, backbone = prefix_on("model=tiny_gpt2")
    before = [prefix.target_states(backbone, prefix.collate(backbone, ROWS, "token_mean"))]
    reading, writing = attention_shares(backbone, prefix, ROWS)
    by_hand = [lowest_layer(backbone, prefix.trained_tensors()["decoder"], row) for row in ROWS]
    # Of the inputs 5 6 7 END and 11 END, END is the token that predicts the first token of the output.
    expected = {
        READING: torch.cat([by_hand[0][:3], by_hand[1][:1]]),
        WRITING: torch.cat([by_hand[0][3:], by_hand[1][1:]]),
    }
    for each in (reading, writing):
        assert (each.site, each.layers, each.tokens) == ("decoder", (0, 1), len(expected[each.kind]))
        assert each.shares[0] == pytest.approx(expected[each.kind].mean(dim=0).tolist(), abs=1e-6)
    # Token i of a text sees LENGTH + i + 1 keys.
    assert reading.even == pytest.approx((1 / 4 + 1 / 5 + 1 / 6 + 1 / 4) / 4)
    assert writing.even == pytest.approx((1 / 7 + 1 / 8 + 1 / 9 + 1 / 5 + 1 / 6 + 1 / 7 + 1 / 8) / 7)
    after = prefix.target_states(backbone, prefix.collate(backbone, ROWS, "token_mean"))
    assert torch.equal(after, before[0])


def test_attention_is_spread_evenly_over_keys_of_zero() -> None:
    """Queries of zero see all keys alike: what is said of an even spread is then what is measured, at every site."""
    for model in ("tiny_llama", "tiny_bart"):
        prefix, backbone = prefix_on(f"model={model}")
        with torch.no_grad():
            for name, parameter in backbone.model.named_parameters():
                if "q_proj" in name:
                    parameter.zero_()
        measured = attention_shares(backbone, prefix, ROWS)
        sites = [(each.site, each.kind) for each in measured]
        if backbone.is_seq2seq:
            assert sites == [("encoder", READING), ("decoder", WRITING), ("cross", WRITING)]
        for each in measured:
            for layer in each.shares:
                assert layer == pytest.approx([each.even] * LENGTH, rel=1e-5)


def test_a_gated_prefix_gets_as_much_as_its_gates_let_through() -> None:
    prefix, backbone = prefix_on("model=tiny_llama", "method=prefix_gated", "method.layers=1-2")
    with torch.no_grad():
        prefix.get_parameter("gate.decoder").copy_(torch.tensor([[0.3] * 4, [-0.6] * 4]))
    for each in attention_shares(backbone, prefix, ROWS):
        assert (each.layers, each.even) == ((1, 2), None)
        sums = [sum(layer) for layer in each.shares]
        assert sums == pytest.approx(torch.tanh(torch.tensor([0.3, 0.6])).tolist(), rel=1e-5)
