"""From pairs to padded batches: nothing lost, nothing leaked, and packed rows that count like separate ones."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from prefixrun.data.example import Pair
from prefixrun.models.attention import attach_prefix
from prefixrun.models.backbone import Backbone
from prefixrun.models.batches import Batch, LossMode, PairIds, Row, collate, tokenise
from prefixrun.models.prefix_kv import shared_prefix_kv
from prefixrun.models.tokenizer import byte_tokenizer
from prefixrun.training.loss import target_nll
from prefixrun.training.sampler import grouped, pack
from tiny_methods import drawn

END = 256
PREFIX_LEN = 3

ids = st.lists(st.integers(0, 255), min_size=0, max_size=6).map(lambda body: (*body, END))


def batch_of(rows: Sequence[Row], loss_mode: LossMode = "token_mean") -> Batch:
    return collate(rows, PREFIX_LEN, loss_mode, device="cpu", dtype=torch.float32)


def test_pairs_become_ids_of_the_tokenizers_layout() -> None:
    tokenizer = byte_tokenizer()
    pairs = [Pair("a#0", "a", "x", "y"), Pair("a#1", "a", "x", "zz")]
    blank, x, y, z = (tokenizer.text(c)[0] for c in " xyz")
    assert tokenise(pairs, tokenizer) == [
        PairIds((blank, x, blank, END), (blank, y, blank, END)),
        PairIds((blank, x, blank, END), (blank, z, z, blank, END)),
    ]


def test_a_batch_by_hand() -> None:
    """Source (7, END) with targets (8, 9, END) and (END), beside a longer row of one target."""
    rows = [Row((7, END), ((8, 9, END), (END,), (5, END))), Row((1, 2, 3, 4, END), ((6, END),))]
    batch = batch_of(rows)
    assert batch.ids.tolist() == [[7, END, 8, 9, 5, 0], [1, 2, 3, 4, END, 6]]
    assert batch.positions.tolist() == [[3, 4, 5, 6, 5, 3], [3, 4, 5, 6, 7, 8]]
    # What predicts what: END of the source the first id of every target, each id the next one.
    assert batch.predicts.tolist() == [1, 2, 3, 1, 1, 4, 10, 11]
    assert batch.labels.tolist() == [8, 9, END, END, 5, END, 6, END]
    assert [row.pair_tokens for row in rows] == [(2 + 3) + (2 + 1) + (2 + 2), 5 + 2]
    assert [row.length for row in rows] == [2 + 2 + 0 + 1, 5 + 1]
    assert batch.position_count == 2 * 6
    sees = (batch.mask == 0).long()[:, 0].tolist()
    assert sees[0][:5] == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 0, 0, 1, 0],
    ]
    assert sees[1] == torch.ones(6, 6).tril().long().tolist()
    assert batch.mask.unique().tolist() == [torch.finfo(torch.float32).min, 0]


@pytest.mark.parametrize(("loss_mode", "factor"), [("sentence_sum", 1 / 3), ("token_mean", 1 / 6)])
def test_the_loss_modes(loss_mode: LossMode, factor: float) -> None:
    """Three targets of 3, 1 and 2 tokens: the sum over a sentence's tokens, averaged over 3; or the mean over 6."""
    batch = batch_of([Row((7, END), ((8, 9, END), (END,))), Row((1, END), ((6, END),))], loss_mode)
    assert batch.factors.tolist() == pytest.approx([factor] * 6)


@given(st.lists(st.builds(Row, ids, st.lists(ids, min_size=1, max_size=4).map(tuple)), min_size=1, max_size=4))
@settings(deadline=None, max_examples=80)
def test_every_position_sees_what_it_would_see_alone(rows: list[Row]) -> None:
    """Following the mask and the positions of a batch gives back each pair as a text of its own, labels included."""
    batch = batch_of(rows)
    length = batch.ids.shape[1]
    seen = []
    for place, label in zip(batch.predicts.tolist(), batch.labels.tolist(), strict=True):
        row, column = divmod(place, length)
        visible = (batch.mask[row, 0, column] == 0).nonzero().flatten()
        context = batch.ids[row, visible].tolist()
        assert batch.positions[row, visible].tolist() == list(range(PREFIX_LEN, PREFIX_LEN + len(context)))
        seen.append((tuple(context), label))
    assert seen == [
        ((*row.source, *target[:index]), target[index])
        for row in rows
        for target in row.targets
        for index in range(len(target))
    ]
    assert length == max(row.length for row in rows)


@pytest.mark.parametrize("loss_mode", ["sentence_sum", "token_mean"])
def test_packed_targets_have_loss_and_gradient_of_separate_rows(backbone: Backbone, loss_mode: LossMode) -> None:
    generator = np.random.default_rng(0)
    pairs = [
        PairIds(
            (*range(10 * source, 10 * source + 4 + source), END), (*generator.integers(0, 250, 1 + n * 3).tolist(), END)
        )
        for source in range(3)
        for n in range(5)
    ]
    key_values = drawn(backbone, PREFIX_LEN, 1)["decoder"]

    def loss_and_gradient(targets_per_row: int) -> tuple[Tensor, Tensor]:
        rows = pack(grouped(pairs), targets_per_row, np.random.default_rng(7))
        assert max(len(row.targets) for row in rows) == targets_per_row
        batch = batch_of(rows, loss_mode)
        prefix = key_values.clone().requires_grad_(True)
        with attach_prefix(backbone.model, shared_prefix_kv({"decoder": prefix}, torch.float32)):
            states = backbone.body(
                input_ids=batch.ids, position_ids=batch.positions, attention_mask=batch.mask, use_cache=False
            ).last_hidden_state
        loss = target_nll(states.flatten(0, 1)[batch.predicts], backbone.head, batch.labels, batch.factors)
        loss.backward()
        assert prefix.grad is not None
        return loss.detach(), prefix.grad

    separate, packed = loss_and_gradient(1), loss_and_gradient(4)
    torch.testing.assert_close(packed[0], separate[0], rtol=1e-6, atol=1e-5)
    torch.testing.assert_close(packed[1], separate[1], rtol=1e-4, atol=1e-5)
