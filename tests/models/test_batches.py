"""From pairs to padded batches: nothing lost, nothing leaked, and packed rows that count like separate ones."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from prefixrun.config.schema import ModelConfig
from prefixrun.data.example import Pair
from prefixrun.models.attention import attach_prefix
from prefixrun.models.backbone import Backbone, load
from prefixrun.models.batches import Batch, LossMode, PairIds, Row, batches_of, collate, epoch_batches, pack, tokenise
from prefixrun.models.prefix_kv import shared_prefix_kv
from prefixrun.models.tokenizer import byte_tokenizer
from prefixrun.training.loss import target_nll

END = 256
PREFIX_LEN = 3

ids = st.lists(st.integers(0, 255), min_size=0, max_size=6).map(lambda body: (*body, END))
some_pairs = st.lists(st.builds(PairIds, st.sampled_from([(1, END), (2, 3, END), (4, END), (5, END)]), ids), min_size=1)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(params=["tiny_gpt2", "tiny_llama"])
def backbone(request: pytest.FixtureRequest) -> Backbone:
    return load(ModelConfig(name=request.param, source="random", architecture=request.param))


def rows_pairs(rows: Sequence[Row]) -> Counter[PairIds]:
    return Counter(PairIds(row.source, target) for row in rows for target in row.targets)


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


@given(some_pairs, st.integers(1, 5), st.integers(0, 3))
@settings(deadline=None, max_examples=60)
def test_packing_keeps_every_pair_once(pairs: list[PairIds], targets_per_row: int, seed: int) -> None:
    rows = pack(pairs, targets_per_row, np.random.default_rng(seed))
    assert rows_pairs(rows) == Counter(pairs)
    assert max(len(row.targets) for row in rows) <= targets_per_row
    by_source = Counter(pair.source for pair in pairs)
    assert len(rows) == sum(-(-count // targets_per_row) for count in by_source.values()), (
        "no row is emptier than need be"
    )


@given(some_pairs, st.integers(1, 4), st.integers(4, 9), st.one_of(st.none(), st.integers(0, 3)))
@settings(deadline=None, max_examples=60)
def test_batches_keep_every_row_once(pairs: list[PairIds], per_row: int, size: int, seed: int | None) -> None:
    rows = pack(pairs, per_row, np.random.default_rng(0))
    batches = batches_of(rows, size, None if seed is None else np.random.default_rng(seed))
    assert Counter(row for batch in batches for row in batch) == Counter(rows)
    assert all(batch for batch in batches)
    assert max(sum(len(row.targets) for row in batch) for batch in batches) <= size


def test_every_pair_once_an_epoch_and_order_by_seed_and_epoch_alone() -> None:
    pairs = [PairIds((i // 3, END), (i % 50, *range(i % 7), END)) for i in range(200)]

    def order(seed: int, epoch: int, per_row: int = 1) -> list[list[Row]]:
        torch.manual_seed(epoch)  # other generators have no part in it
        return epoch_batches(pairs, targets_per_row=per_row, batch_size=8, seed=seed, epoch=epoch)

    for per_row in (1, 4):
        first = order(1, 0, per_row)
        assert rows_pairs([row for batch in first for row in batch]) == Counter(pairs)
        assert first == order(1, 0, per_row)
        assert len({repr(order(seed, epoch, per_row)) for seed in (1, 2) for epoch in (0, 1)}) == 4
    sizes = [len(batch) for batch in order(1, 0)]
    assert sizes == [8] * 25


def test_batches_hold_rows_of_like_length() -> None:
    pairs = [PairIds((i, END), tuple(range(1 + i * 7 % 40))) for i in range(256)]
    batches = epoch_batches(pairs, targets_per_row=1, batch_size=8, seed=0, epoch=0)
    padded = sum(len(batch) * max(row.length for row in batch) for batch in batches)
    real = sum(row.length for batch in batches for row in batch)
    assert padded < 1.1 * real
    lengths = [max(row.length for row in batch) for batch in batches]
    assert lengths != sorted(lengths), "short and long batches take turns"


def test_evaluation_goes_by_length() -> None:
    rows = [Row((1,), (tuple(range(n)),)) for n in (5, 2, 9, 1)]
    assert [[row.length for row in batch] for batch in batches_of(rows, 3, None)] == [[1, 2, 5], [9]]


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
    sizes = backbone.shape
    key_values = torch.randn(
        sizes.layers, 2, sizes.kv_heads, PREFIX_LEN, sizes.head_dim, generator=torch.Generator().manual_seed(1)
    )

    def loss_and_gradient(targets_per_row: int) -> tuple[Tensor, Tensor]:
        rows = pack(pairs, targets_per_row, np.random.default_rng(7))
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
