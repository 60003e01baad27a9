"""The attention function: what a prefix adds, against PEFT's prefix tuning and against the library's own attention."""

import warnings

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache

from prefixrun.config.schema import ModelConfig
from prefixrun.models.attention import (
    KeyValueCache,
    PrefixKV,
    attach_prefix,
    attention_sites,
    causal_mask,
    prefix_attention,
    shared_prefix_kv,
)
from prefixrun.models.backbone import Backbone, load
from prefixrun.models.batches import PairIds, Row, collate
from prefixrun.models.families import random_model
from prefixrun.training.loss import target_nll

PREFIX_LEN = 4
PAIRS = (
    PairIds((5, 6, 7, 256), (8, 9, 10, 11, 256)),
    PairIds((12, 256), (13, 14, 256)),
    PairIds((15, 16, 17, 18, 19, 20, 256), (256,)),
)
"""Sources and targets of different lengths, one target empty but for its END."""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(params=["tiny_gpt2", "tiny_llama"])
def backbone(request: pytest.FixtureRequest) -> Backbone:
    return load(ModelConfig(name=request.param, source="random", architecture=request.param))


@pytest.fixture
def flat(backbone: Backbone) -> Tensor:
    sizes = backbone.shape
    shape = (sizes.layers, 2, sizes.kv_heads, PREFIX_LEN, sizes.head_dim)
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


@pytest.fixture
def peer(backbone: Backbone, flat: Tensor) -> torch.nn.Module:
    """The same weights and the same prefix in PEFT's own model."""
    peft = pytest.importorskip("peft", reason="the peer's package is not installed: pip install 'prefixrun[peft]'")
    architecture = backbone.files.fingerprint.removeprefix("random:")
    config = peft.PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=PREFIX_LEN, prefix_projection=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)  # of the peer's own calls of transformers
        model = peft.get_peft_model(random_model(architecture), config).eval()
    with torch.no_grad():
        embedding(model).copy_(flat.permute(3, 0, 1, 2, 4).reshape(PREFIX_LEN, -1))
    return model


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


def logits_behind(backbone: Backbone, flat: Tensor, ids: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
    lowest = torch.finfo(torch.float32).min
    sees = causal_mask(ids.shape[1], torch.float32, ids.device).masked_fill(mask[:, None, None, :] == 0, lowest)
    with attach_prefix(backbone.model, shared_prefix_kv({"decoder": flat}, torch.float32)):
        return backbone.model(input_ids=ids, position_ids=positions, attention_mask=sees, use_cache=False).logits


@pytest.mark.parametrize("side", ["right", "left"])
def test_logits_and_gradients_are_those_of_peft(
    backbone: Backbone, flat: Tensor, peer: torch.nn.Module, side: str
) -> None:
    ids, mask = padded(side)
    real = mask.bool()
    flat.requires_grad_(True)
    ours = logits_behind(backbone, flat, ids, mask, torch.arange(PREFIX_LEN, PREFIX_LEN + ids.shape[1])[None])
    theirs = peer(input_ids=ids, attention_mask=mask).logits
    torch.testing.assert_close(ours[real], theirs[real], rtol=1e-4, atol=1e-4)

    weights = torch.randn(ours[real].shape, generator=torch.Generator().manual_seed(4))
    (ours[real] * weights).sum().backward()
    (theirs[real] * weights).sum().backward()
    by_position = embedding(peer).grad.view(PREFIX_LEN, *flat.shape[:3], -1)
    torch.testing.assert_close(flat.grad, by_position.permute(1, 2, 3, 0, 4), rtol=1e-3, atol=1e-3)
    assert flat.grad.abs().min() > 0, "every number of the prefix takes part"


def test_the_loss_of_a_training_batch_is_that_of_peft(backbone: Backbone, flat: Tensor, peer: torch.nn.Module) -> None:
    """The whole way of training: collate, prefix, loss; labels at the target only, as PEFT's users set them."""
    flat.requires_grad_(True)
    batch = collate(
        [Row(p.source, (p.target,)) for p in PAIRS], PREFIX_LEN, "token_mean", device="cpu", dtype=torch.float32
    )
    with attach_prefix(backbone.model, shared_prefix_kv({"decoder": flat}, torch.float32)):
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
    by_position = embedding(peer).grad.view(PREFIX_LEN, *flat.shape[:3], -1).permute(1, 2, 3, 0, 4)
    torch.testing.assert_close(flat.grad, by_position, rtol=1e-4, atol=1e-5)


def test_padding_on_either_side_changes_no_logits(backbone: Backbone, flat: Tensor) -> None:
    by_side = {}
    for side in ("right", "left"):
        ids, mask = padded(side)
        positions = (mask.cumsum(1) - 1).clamp(min=0) + PREFIX_LEN
        by_side[side] = logits_behind(backbone, flat, ids, mask, positions)[mask.bool()]
    torch.testing.assert_close(by_side["right"], by_side["left"], rtol=1e-4, atol=1e-4)


def test_without_a_front_it_is_the_librarys_attention(backbone: Backbone) -> None:
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


def test_the_front_never_reaches_the_librarys_cache(backbone: Backbone, flat: Tensor) -> None:
    """The canary for transformers: its cache holds what the rows wrote; nothing takes the prefix for past tokens."""
    ids = torch.tensor([[5, 6, 7]])
    cache = DynamicCache(config=backbone.model.config)
    with attach_prefix(backbone.model, shared_prefix_kv({"decoder": flat}, torch.float32)):
        backbone.model(input_ids=ids, past_key_values=cache, use_cache=True)
    assert [layer.keys.shape[2] for layer in cache.layers] == [3] * backbone.shape.layers


def test_one_module_a_layer_in_order(backbone: Backbone) -> None:
    modules = attention_sites(backbone.model)["decoder"]
    assert [module.layer_idx for module in modules] == list(range(backbone.shape.layers))


def test_fronts_go_with_the_block_even_when_it_fails(backbone: Backbone, flat: Tensor) -> None:
    with pytest.raises(KeyError), attach_prefix(backbone.model, shared_prefix_kv({"decoder": flat}, torch.float32)):
        raise KeyError
    assert all(module.prefix_kv is None for module in attention_sites(backbone.model)["decoder"])


def test_fronts_of_another_depth_are_refused(backbone: Backbone, flat: Tensor) -> None:
    layers = backbone.shape.layers
    with pytest.raises(ValueError, match=f"{layers - 1} prefix_kv for {layers} attention layers of site decoder"):
        attach_prefix(backbone.model, shared_prefix_kv({"decoder": flat[1:]}, torch.float32)).__enter__()


def test_rows_that_share_a_front_see_it_as_if_each_had_its_own(backbone: Backbone) -> None:
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


def test_a_cache_grows_by_layer_and_selects_rows() -> None:
    cache = KeyValueCache()
    first, second = torch.arange(4.0).view(2, 1, 1, 2), torch.arange(4.0, 8.0).view(2, 1, 1, 2)
    cache.update(first, -first, 0)
    cache.update(10 * first, -10 * first, 1)
    keys, values = cache.update(second, -second, 0)
    assert torch.equal(keys, torch.cat([first, second], dim=2))
    assert torch.equal(values, -keys)
    assert cache.keys[1].shape[2] == 1
    cache.select(torch.tensor([1, 1, 0]))
    third, _ = cache.update(first.repeat(2, 1, 1, 1)[:3], first.repeat(2, 1, 1, 1)[:3], 0)
    assert torch.equal(third[:, :, :2], keys[[1, 1, 0]])
    assert third.shape[2] == 3
    assert torch.equal(cache.values[1], -10 * first[[1, 1, 0]])


def test_a_cache_that_outgrows_its_room_holds_what_was_written() -> None:
    generator = torch.Generator().manual_seed(0)
    cache, keys, values = KeyValueCache(), torch.zeros(3, 2, 0, 4), torch.zeros(3, 2, 0, 4)
    for step in range(3 * KeyValueCache.GROWTH):
        key, value = torch.randn(2, 3, 2, 1 + step % 2 * KeyValueCache.GROWTH, 4, generator=generator).unbind(0)
        keys, values = torch.cat([keys, key], dim=2), torch.cat([values, value], dim=2)
        found = cache.update(key, value, 0)
        assert torch.equal(found[0], keys)
        assert torch.equal(found[1], values)
        rows = torch.randint(3, (3,), generator=generator)
        cache.select(rows)
        keys, values = keys[rows], values[rows]


def test_the_causal_mask() -> None:
    mask = causal_mask(3, torch.float32, torch.device("cpu"))
    assert mask.shape == (1, 1, 3, 3)
    assert (mask[0, 0] == 0).tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert mask.min() == torch.finfo(torch.float32).min
