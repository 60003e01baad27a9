"""The last block computes at the positions that predict something what it computes everywhere, and not elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn

from prefixrun import methods
from prefixrun.config.method_specs import METHOD_SPECS
from prefixrun.methods.prefix_flat import FlatPrefix
from prefixrun.models import decoder_only, last_block
from prefixrun.models.attention import recorded
from prefixrun.models.backbone import Backbone, load
from prefixrun.models.batches import Row
from prefixrun.models.blocks import blocks, stacks
from prefixrun.models.gradient_checkpointing import checkpointed_blocks
from prefixrun.models.training_kernels import training_kernels
from prefixrun.runs.configure import compose
from prefixrun.training.batch_loss import batch_loss
from tiny_families import DECODER_ONLY, backbone_of

ROWS = [Row((3, 1, 4, 1, 5), ((9, 2, 6), (5, 3))), Row((5, 8, 9), ((7, 9, 3, 2),))]
POSITIONS, PREDICTING = 16, 8
"""Of the rows: two of eight positions; the end of each source and all of a target but its last token predict."""
WHOLE = {"phi", "cohere"}
"""Families that compute all of it: their feed-forward layer reads what their attention reads."""


@pytest.fixture
def widths(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of positions of each pass that was narrowed."""
    narrow, seen = last_block._narrow, list[int]()

    def counted(block: nn.Module, plain: object, places: Tensor, *rest: object) -> object:
        seen.append(len(places))
        return narrow(block, plain, places, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(last_block, "_narrow", counted)
    return seen


@contextmanager
def everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(last_block, "_draws", lambda block: True)
        yield


def loss_and_gradients(method: methods.Method, backbone: Backbone) -> list[Tensor]:
    method.zero_grad()
    loss = batch_loss(method, backbone, method.collate(backbone, ROWS, "token_mean"))
    loss.backward()
    return [loss.detach(), *(each.grad.clone() for each in method.parameters() if each.grad is not None)]


def assert_close(ours: list[Tensor], theirs: list[Tensor]) -> None:
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their, rtol=1e-4, atol=1e-5 * float(their.abs().max()))


@pytest.mark.parametrize("family", DECODER_ONLY)
def test_loss_and_gradients_of_every_family(family: str, widths: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = backbone_of(family)
    torch.manual_seed(0)
    method = FlatPrefix(backbone.shape, backbone.sites, 4)
    ours = loss_and_gradients(method, backbone)
    assert set(widths) == {PREDICTING}
    assert set(last_block._compared[blocks(stacks(backbone.model)[-1])[-1]].values()) == {family not in WHOLE}
    with everywhere(monkeypatch):
        assert_close(ours, loss_and_gradients(method, backbone))


@pytest.mark.parametrize("model", ["tiny_gpt2", "tiny_llama"])
def test_loss_and_gradients_of_every_method(model: str, widths: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other on the same model, which each of them changes in its own way."""
    backbone = load(compose([f"model={model}"]).model)
    trained = [["method=adapter", "method.adapter_form=houlsby"], ["method=lora", "method.lora_modules=all"]]
    trained += [[f"method={name}"] for name, spec in METHOD_SPECS.items() if spec.trains]
    for words in trained:
        size = METHOD_SPECS[words[0].removeprefix("method=")].size_key
        sized = [f"{size}=2"] if size and size != "prefix_len" else []
        method = methods.build(compose([f"model={model}", *words, *sized]), backbone).eval()
        ours = loss_and_gradients(method, backbone)
        assert len(ours) > 1
        with everywhere(monkeypatch):
            assert_close(ours, loss_and_gradients(method, backbone))
    assert len(widths) >= len(trained)  # infix reads its targets alone, which all predict; every form is compared once


def test_with_the_kernels_of_training(widths: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = backbone_of("llama")
    method = FlatPrefix(backbone.shape, backbone.sites, 4)
    with training_kernels(backbone.model):
        ours = loss_and_gradients(method, backbone)
        assert PREDICTING in widths
        with everywhere(monkeypatch):
            assert_close(ours, loss_and_gradients(method, backbone))


def test_blocks_that_are_computed_again_compute_everything(widths: list[int]) -> None:
    backbone = backbone_of("llama")
    with checkpointed_blocks(backbone.model):
        loss_and_gradients(FlatPrefix(backbone.shape, backbone.sites, 4), backbone)
    assert not widths


@pytest.mark.parametrize("is_trained", [True, False])
def test_where_dropout_draws_for_every_position_nothing_is_left_out(is_trained: bool, widths: list[int]) -> None:
    backbone = load(compose(["model=tiny_gpt2"]).model)
    backbone.model.train(is_trained)
    loss_and_gradients(FlatPrefix(backbone.shape, backbone.sites, 4), backbone)
    assert bool(widths) is not is_trained


def test_keys_and_values_of_all_positions_are_recorded_once() -> None:
    backbone = load(compose(["model=tiny_llama"]).model)
    batch = decoder_only.collate(backbone, ROWS, 0, "token_mean")
    assert batch.predicting.tolist() == sorted({*batch.predicts.tolist()})
    assert (batch.ids.numel(), len(batch.predicting)) == (POSITIONS, PREDICTING)
    with recorded(backbone.model, ("decoder",)) as records:
        decoder_only.target_states(backbone, batch)
    assert [keys.shape[2] for keys, _ in records["decoder"]] == [8] * backbone.shape.layers
    assert "forward" not in vars(blocks(stacks(backbone.model)[-1])[-1])
