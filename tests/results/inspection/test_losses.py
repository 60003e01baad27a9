"""What leaving parts out costs: the loss of the prefix that is left, and an interval by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from prefixrun.methods.prefix import FixedPrefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import PairIds
from prefixrun.models.prefix_kv import PrefixKV
from prefixrun.results.inspection.losses import Change, groups, loss_changes, ratio
from prefixrun.training.batch_loss import mean_nll
from tiny_methods import prefix_on

LENGTH = 3
PAIRS = [PairIds((5, 6, 7 + number // 2, 256), (8, *range(20, 21 + number), 256)) for number in range(5)]


class Elsewhere(FixedPrefix):
    """Shorter keys and values with the text where it is behind LENGTH positions."""

    @property
    def offset(self) -> int:
        return LENGTH


class Lower(Elsewhere):
    """Without one position at the lowest layer: its key is hidden by a bias."""

    def __init__(self, tensor: Tensor, position: int) -> None:
        super().__init__({"decoder": tensor})
        self.position = position

    def prefix_kv(self, backbone: Backbone) -> dict[str, list[PrefixKV | None]]:
        lower, upper = super().prefix_kv(backbone)["decoder"]
        assert lower is not None
        bias = torch.zeros(1, 1, 1, LENGTH)
        bias[..., self.position] = torch.finfo(bias.dtype).min
        return {"decoder": [replace(lower, bias=bias), upper]}


def test_a_change_is_the_loss_of_the_prefix_that_is_left() -> None:
    prefix, backbone = prefix_on("model=tiny_gpt2")
    tensor = prefix.trained_tensors()["decoder"]
    whole = mean_nll(prefix, backbone, PAIRS)
    measured = loss_changes(backbone, prefix, PAIRS, 2)
    assert measured.loss == pytest.approx(whole, rel=1e-5)
    assert (measured.pairs, measured.inputs, measured.cell_pairs, measured.sites) == (5, 3, 2, ())
    assert measured.tokens == sum(len(pair.target) for pair in PAIRS)
    for position, change in enumerate(measured.positions):
        kept = [each for each in range(LENGTH) if each != position]
        left = mean_nll(Elsewhere({"decoder": tensor[:, :, :, kept]}), backbone, PAIRS)
        assert (change.positions, change.layers, change.site) == ((position,), (), "")
        assert change.change == pytest.approx(left - whole, abs=1e-5)
    for layer, change in enumerate(measured.layers):
        left = mean_nll(Elsewhere({"decoder": tensor[[1 - layer]]}, layers=(1 - layer,)), backbone, PAIRS)
        assert (change.layers, change.site) == ((layer,), "decoder")
        assert change.change == pytest.approx(left - whole, abs=1e-5)
    nothing = mean_nll(Elsewhere({"decoder": tensor[:, :, :, :0]}), backbone, PAIRS)
    assert measured.everything.change == pytest.approx(nothing - whole, abs=1e-5)
    # A cell is a position at a layer: the other layer has the whole prefix.
    assert [(each.layers, each.positions) for each in measured.cells] == [
        ((i,), (j,)) for i in (0, 1) for j in range(3)
    ]
    for change in measured.cells[:LENGTH]:
        both = mean_nll(Lower(tensor, change.positions[0]), backbone, PAIRS[:2])
        assert change.change == pytest.approx(both - mean_nll(prefix, backbone, PAIRS[:2]), abs=1e-5)


def test_an_encoder_decoder_has_a_change_for_each_site() -> None:
    prefix, backbone = prefix_on("model=tiny_bart")
    tensors = prefix.trained_tensors()
    measured = loss_changes(backbone, prefix, PAIRS, 5)
    whole = mean_nll(prefix, backbone, PAIRS)
    for change in measured.sites:
        others = FixedPrefix({site: tensor for site, tensor in tensors.items() if site != change.site})
        assert change.change == pytest.approx(mean_nll(others, backbone, PAIRS) - whole, abs=1e-5)
    assert [each.site for each in measured.sites] == list(backbone.sites)
    assert len(measured.layers) == 3 * backbone.shape.layers
    assert len(measured.cells) == 3 * backbone.shape.layers * LENGTH


def test_the_interval_of_a_ratio_by_hand() -> None:
    one, two = np.array([1.0, 3.0]), np.array([1.0, 1.0])
    # Residuals -1 and 1: variance 2 x 2 / 1, over a sum of 2; Student's t of one degree of freedom is 12.706.
    assert ratio(one, two, np.array([0, 1])) == (2.0, pytest.approx(12.7062047))
    assert ratio(one, two, np.array([0, 0])) == (2.0, None)
    # Pairs of one input are one unit.
    tokens, units = np.array([2.0, 1.0, 1.0, 2.0]), np.array([0, 1, 1, 2])
    grouped = ratio(np.array([1.0, 0.5, 1.5, 3.0]), tokens, units)
    assert grouped == pytest.approx(ratio(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0]), np.arange(3)))


@pytest.mark.parametrize(
    ("change", "half_width", "is_clear"), [(1.0, 0.5, True), (-0.1, 0.5, False), (1.0, None, False)]
)
def test_a_change_is_clear_where_its_interval_leaves_zero_out(
    change: float, half_width: float | None, is_clear: bool
) -> None:
    assert Change("", (), (), change, half_width).is_clear is is_clear


def test_groups_are_neighbours() -> None:
    assert groups(range(5), 10) == [(0,), (1,), (2,), (3,), (4,)]
    assert groups(range(7), 3) == [(0, 1), (2, 3), (4, 5, 6)]
    assert groups((4, 9), 1) == [(4, 9)]
