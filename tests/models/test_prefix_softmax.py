"""The kernel of torch computes the same attention with a prefix as the softmax that is written out."""

import pytest
import torch
from torch import Tensor, nn

import tiny_families
from prefixrun.models import decoder_only, encoder_decoder, prefix_softmax
from prefixrun.models.attention import attach_prefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Row
from prefixrun.models.masks import causal_mask
from prefixrun.models.prefix_kv import PrefixKV, shared_prefix_kv
from prefixrun.training.loss import target_nll
from tiny_methods import drawn

PREFIX_LEN = 4
ROWS = [
    Row(tuple(range(5, 25)), (tuple(range(30, 45)), (46, 47, 48))),
    Row((50, 51), (tuple(range(60, 64)),)),
    Row((70,), ((71,),)),
]
"""Longer than the windows of the tiny families, padded, with two targets behind one source."""
SCORES_OF_THEIR_OWN = ("gemma2", "gpt_oss")
"""Families whose scores have a cap or a sink, which the kernel does not know."""


def loss_and_gradients(backbone: Backbone, key_values: dict[str, Tensor]) -> tuple[Tensor, ...]:
    for tensor in key_values.values():
        tensor.grad = None
    with attach_prefix(backbone.model, shared_prefix_kv(key_values, torch.float32)):
        if backbone.is_seq2seq:
            states = encoder_decoder.target_states(
                backbone, batch := encoder_decoder.collate(backbone, ROWS, "token_mean")
            )
        else:
            batch = decoder_only.collate(backbone, ROWS, PREFIX_LEN, "token_mean")
            states = decoder_only.target_states(backbone, batch)
        loss = target_nll(states, backbone.head, batch.labels, batch.factors, bias=backbone.head_bias)
        loss.backward()
    return loss.detach(), *(tensor.grad for tensor in key_values.values() if tensor.grad is not None)


@pytest.mark.parametrize("family", tiny_families.FAMILIES)
def test_the_kernel_of_torch_computes_the_same(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is taken on GPUs; here it is forced."""
    backbone = tiny_families.backbone_of(family)
    key_values = {site: tensor.requires_grad_() for site, tensor in drawn(backbone, PREFIX_LEN, 3).items()}
    ours = loss_and_gradients(backbone, key_values)
    calls: list[int] = []
    kernel = nn.functional.scaled_dot_product_attention
    monkeypatch.setattr(prefix_softmax, "FUSED_DEVICES", ("cpu",))
    monkeypatch.setattr(
        nn.functional, "scaled_dot_product_attention", lambda *a, **k: calls.append(1) or kernel(*a, **k)
    )
    fused = loss_and_gradients(backbone, key_values)
    assert bool(calls) is (family not in SCORES_OF_THEIR_OWN)
    assert len(ours) == len(fused) == 1 + len(backbone.sites)
    for value, other in zip(ours, fused, strict=True):
        torch.testing.assert_close(other, value, rtol=1e-4, atol=1e-5)


def test_the_kernel_reads_keys_that_one_head_has_as_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy for each layer would be kept for the gradients."""
    query, key, value = torch.randn(3, 2, 4, 5, 8)
    seen: list[Tensor] = []
    kernel = nn.functional.scaled_dot_product_attention
    monkeypatch.setattr(
        nn.functional, "scaled_dot_product_attention", lambda *a, **k: seen.extend(a) or kernel(*a, **k)
    )
    scoring = prefix_softmax.Scoring(None, None, None, None, None)
    prefix_softmax.fused_attention(query, key, value, None, scoring, 0.0)
    prefix_softmax.fused_attention(query, key[:, :2], value[:, :2], None, scoring, 0.0)
    assert [tensor.data_ptr() for tensor in seen[1:3]] == [key.data_ptr(), value.data_ptr()]
    assert seen[4].shape == query.shape, "two query heads read each of them"


@torch.no_grad()
def test_the_kernel_serves_prompts_that_beams_share(backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries of a prefix with padding, each for several rows."""
    sizes, stream = backbone.shape, torch.Generator().manual_seed(3)
    keys, values = torch.randn(2, 2, sizes.kv_heads, PREFIX_LEN, sizes.head_dim, generator=stream)
    bias = torch.zeros(2, 1, 1, PREFIX_LEN)
    bias[1, ..., 2:] = torch.finfo(torch.float32).min
    ids, positions = torch.tensor([[5, 6, 7], [8, 9, 10], [5, 6, 7], [8, 9, 10]]), torch.arange(3)[None]
    mask = causal_mask(3, torch.float32, ids.device)

    def states() -> Tensor:
        with attach_prefix(backbone.model, {"decoder": [PrefixKV(keys, values, bias)] * sizes.layers}):
            return decoder_only.last_states(backbone, positions, mask, ids=ids)

    ours = states()
    assert not torch.allclose(ours[0], ours[2])
    monkeypatch.setattr(prefix_softmax, "FUSED_DEVICES", ("cpu",))
    torch.testing.assert_close(states(), ours, rtol=1e-4, atol=1e-5)
