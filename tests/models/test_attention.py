"""The attention function: what a prefix adds, against PEFT's prefix tuning and against the library's own attention."""

import warnings
from contextlib import AbstractContextManager

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache

from prefixrun.models.architectures import random_model
from prefixrun.models.attention import attach_prefix, attention_sites, prefix_attention
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import PairIds, Row, collate
from prefixrun.models.masks import causal_mask
from prefixrun.models.prefix_kv import PrefixKV, shared_prefix_kv
from prefixrun.models.transformers_names import cache_arguments
from prefixrun.training.loss import target_nll
from tiny_methods import drawn

PREFIX_LEN = 4
PAIRS = (
    PairIds((5, 6, 7, 256), (8, 9, 10, 11, 256)),
    PairIds((12, 256), (13, 14, 256)),
    PairIds((15, 16, 17, 18, 19, 20, 256), (256,)),
)
"""Sources and targets of different lengths, one target empty but for its END."""


@pytest.fixture
def key_values(backbone: Backbone) -> Tensor:
    return drawn(backbone, PREFIX_LEN, 3)["decoder"]


of_the_peers_own_calls = pytest.mark.filterwarnings("ignore:.past_key_values. is deprecated:FutureWarning")


@pytest.fixture
def peer(backbone: Backbone, key_values: Tensor) -> torch.nn.Module:
    """The same weights and the same prefix in PEFT's own model."""
    peft = pytest.importorskip("peft", reason="the peer's package is not installed: pip install 'prefixrun[peft]'")
    architecture = backbone.files.fingerprint.removeprefix("random:")
    config = peft.PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=PREFIX_LEN, prefix_projection=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)  # of the peer's own calls of transformers
        model = peft.get_peft_model(random_model(architecture), config).eval()
    with torch.no_grad():
        embedding(model).copy_(key_values.permute(3, 0, 1, 2, 4).reshape(PREFIX_LEN, -1))
    return model


def attached(backbone: Backbone, key_values: Tensor) -> AbstractContextManager[None]:
    return attach_prefix(backbone.model, shared_prefix_kv({"decoder": key_values}, torch.float32))


def embedding(peer: torch.nn.Module) -> Tensor:
    """PEFT's parameter: a row a position, in it key and value of layer 0, of layer 1, ..., head by head."""
    return peer.prompt_encoder["default"].embedding.weight


def padded(side: str) -> tuple[Tensor, Tensor]:
    """Ids and mask (1 at real tokens) of the pairs' sources and targets, padded on one side."""
    rows = [[*pair.source, *pair.target] for pair in PAIRS]
    longest = max(map(len, rows))
    ids, mask = torch.zeros(len(rows), longest, dtype=torch.long), torch.zeros(len(rows), longest, dtype=torch.long)
    for index, row in enumerate(rows):
        place = slice(0, len(row)) if side == "right" else slice(longest - len(row), longest)
        ids[index, place], mask[index, place] = torch.tensor(row), 1
    return ids, mask


def logits_behind(backbone: Backbone, key_values: Tensor, ids: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
    lowest = torch.finfo(torch.float32).min
    sees = causal_mask(ids.shape[1], torch.float32, ids.device).masked_fill(mask[:, None, None, :] == 0, lowest)
    with attached(backbone, key_values):
        return backbone.model(input_ids=ids, position_ids=positions, attention_mask=sees, use_cache=False).logits


@pytest.mark.parametrize("side", ["right", "left"])
@of_the_peers_own_calls
def test_logits_and_gradients_are_those_of_peft(
    backbone: Backbone, key_values: Tensor, peer: torch.nn.Module, side: str
) -> None:
    ids, mask = padded(side)
    real = mask.bool()
    key_values.requires_grad_(True)
    ours = logits_behind(backbone, key_values, ids, mask, torch.arange(PREFIX_LEN, PREFIX_LEN + ids.shape[1])[None])
    theirs = peer(input_ids=ids, attention_mask=mask).logits
    torch.testing.assert_close(ours[real], theirs[real], rtol=1e-4, atol=1e-4)

    weights = torch.randn(ours[real].shape, generator=torch.Generator().manual_seed(4))
    (ours[real] * weights).sum().backward()
    (theirs[real] * weights).sum().backward()
    by_position = embedding(peer).grad.view(PREFIX_LEN, *key_values.shape[:3], -1)
    torch.testing.assert_close(key_values.grad, by_position.permute(1, 2, 3, 0, 4), rtol=1e-3, atol=1e-3)
    assert key_values.grad.abs().min() > 0, "every number of the prefix takes part"


@of_the_peers_own_calls
def test_the_loss_of_a_training_batch_is_that_of_peft(
    backbone: Backbone, key_values: Tensor, peer: torch.nn.Module
) -> None:
    """The whole way of training: collate, prefix, loss; labels at the target only, as PEFT's users set them."""
    key_values.requires_grad_(True)
    batch = collate(
        [Row(p.source, (p.target,)) for p in PAIRS], PREFIX_LEN, "token_mean", device="cpu", dtype=torch.float32
    )
    with attached(backbone, key_values):
        states = backbone.body(
            input_ids=batch.ids, position_ids=batch.positions, attention_mask=batch.mask, use_cache=False
        ).last_hidden_state
    ours = target_nll(states.flatten(0, 1)[batch.predicts], backbone.head, batch.labels, batch.factors)
    ours.backward()

    ids, mask = padded("right")
    labels = ids.masked_fill(mask == 0, -100)
    for index, pair in enumerate(PAIRS):
        labels[index, : len(pair.source)] = -100
    theirs = peer(input_ids=ids, attention_mask=mask, labels=labels).loss
    theirs.backward()
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    by_position = embedding(peer).grad.view(PREFIX_LEN, *key_values.shape[:3], -1).permute(1, 2, 3, 0, 4)
    torch.testing.assert_close(key_values.grad, by_position, rtol=1e-4, atol=1e-5)


def test_padding_on_either_side_changes_no_logits(backbone: Backbone, key_values: Tensor) -> None:
    by_side = {}
    for side in ("right", "left"):
        ids, mask = padded(side)
        positions = (mask.cumsum(1) - 1).clamp(min=0) + PREFIX_LEN
        by_side[side] = logits_behind(backbone, key_values, ids, mask, positions)[mask.bool()]
    torch.testing.assert_close(by_side["right"], by_side["left"], rtol=1e-4, atol=1e-4)


def test_without_a_prefix_it_is_the_librarys_attention(backbone: Backbone) -> None:
    ids, mask = padded("right")
    architecture = backbone.files.fingerprint.removeprefix("random:")
    theirs = random_model(architecture).eval()(input_ids=ids, attention_mask=mask).logits
    positions = torch.arange(ids.shape[1])[None]
    ours = backbone.model(
        input_ids=ids,
        position_ids=positions,
        attention_mask=causal_mask(ids.shape[1], torch.float32, ids.device),
        use_cache=False,
    ).logits
    torch.testing.assert_close(ours[mask.bool()], theirs[mask.bool()], rtol=1e-4, atol=1e-4)


def test_the_prefix_never_reaches_the_librarys_cache(backbone: Backbone, key_values: Tensor) -> None:
    """The canary for transformers: its cache holds the text alone; nothing takes the prefix for past tokens."""
    ids = torch.tensor([[5, 6, 7]])
    cache = DynamicCache(config=backbone.model.config)
    with attached(backbone, key_values):
        backbone.model(input_ids=ids, **cache_arguments(cache))
    assert [layer.keys.shape[2] for layer in cache.layers] == [3] * backbone.shape.layers


def test_one_module_a_layer_in_order(backbone: Backbone) -> None:
    modules = attention_sites(backbone.model)["decoder"]
    assert [module.layer_idx for module in modules] == list(range(backbone.shape.layers))


def test_a_prefix_is_detached_after_a_block_that_fails(backbone: Backbone, key_values: Tensor) -> None:
    with (
        pytest.raises(KeyError),
        attached(backbone, key_values),
    ):
        raise KeyError
    assert all(getattr(module, "prefix_kv", None) is None for module in attention_sites(backbone.model)["decoder"])


def test_prefixes_for_another_number_of_layers_are_refused(backbone: Backbone, key_values: Tensor) -> None:
    layers = backbone.shape.layers
    with pytest.raises(ValueError, match=f"{layers - 1} prefix_kv for {layers} attention layers of site decoder"):
        attached(backbone, key_values[1:]).__enter__()


def test_rows_that_share_an_entry_see_it_as_if_each_had_a_copy(backbone: Backbone) -> None:
    """Two inputs of three beams each: one prefix an input, its padding masked by its bias."""
    sizes, inputs, beams, length = backbone.shape, 2, 3, 5
    generator = torch.Generator().manual_seed(5)
    shape = (sizes.layers, 2, inputs, sizes.kv_heads, length, sizes.head_dim)
    numbers = torch.randn(shape, generator=generator)
    bias = torch.zeros(inputs, 1, 1, length)
    bias[1, ..., 3:] = torch.finfo(torch.float32).min
    ids = torch.randint(256, (inputs * beams, 2), generator=generator)

    def logits(rows: Tensor, per_layer: list[PrefixKV]) -> Tensor:
        mask = causal_mask(2, torch.float32, rows.device)
        with attach_prefix(backbone.model, {"decoder": per_layer}):
            return backbone.model(
                input_ids=rows, position_ids=torch.tensor([[9, 10]]), attention_mask=mask, use_cache=False
            ).logits

    shared = logits(ids, [PrefixKV(keys, values, bias) for keys, values in numbers])
    for row in range(inputs * beams):
        real = 5 if row // beams == 0 else 3
        own = [PrefixKV(*layer[:, row // beams : row // beams + 1, :, :real]) for layer in numbers]
        torch.testing.assert_close(shared[row], logits(ids[row : row + 1], own)[0], rtol=1e-4, atol=1e-4)


def test_attention_dropout_only_in_training() -> None:
    torch.manual_seed(0)
    module = torch.nn.Module()
    query, key, value = torch.randn(3, 1, 2, 4, 8).unbind(0)
    plain, _ = prefix_attention(module.eval(), query, key, value, None, dropout=0.5)
    assert torch.equal(plain, prefix_attention(module, query, key, value, None)[0])
    assert not torch.equal(plain, prefix_attention(module.train(), query, key, value, None, dropout=0.5)[0])
