"""Which rows a step trains on: every pair once an epoch, in an order of seed and epoch alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prefixrun.models.batches import PairIds, Row
from prefixrun.training.sampler import batches_of, epoch_batches, grouped, pack, schedule_steps
from training_settings import PLAIN

END = 256

ids = st.lists(st.integers(0, 255), min_size=0, max_size=6).map(lambda body: (*body, END))
some_pairs = st.lists(st.builds(PairIds, st.sampled_from([(1, END), (2, 3, END), (4, END), (5, END)]), ids), min_size=1)


def rows_pairs(rows: Sequence[Row]) -> Counter[PairIds]:
    return Counter(PairIds(row.source, target) for row in rows for target in row.targets)


@given(some_pairs, st.integers(1, 5), st.integers(0, 3))
@settings(deadline=None, max_examples=60)
def test_packing_keeps_every_pair_once(pairs: list[PairIds], targets_per_row: int, seed: int) -> None:
    rows = pack(grouped(pairs), targets_per_row, np.random.default_rng(seed))
    assert rows_pairs(rows) == Counter(pairs)
    assert max(len(row.targets) for row in rows) <= targets_per_row
    by_source = Counter(pair.source for pair in pairs)
    assert len(rows) == sum(-(-count // targets_per_row) for count in by_source.values()), (
        "no row is emptier than need be"
    )


@given(some_pairs, st.integers(1, 4), st.integers(4, 9), st.one_of(st.none(), st.integers(0, 3)))
@settings(deadline=None, max_examples=60)
def test_batches_keep_every_row_once(pairs: list[PairIds], per_row: int, size: int, seed: int | None) -> None:
    rows = pack(grouped(pairs), per_row, np.random.default_rng(0))
    batches = batches_of(rows, size, None if seed is None else np.random.default_rng(seed))
    assert Counter(row for batch in batches for row in batch) == Counter(rows)
    assert all(batch for batch in batches)
    assert max(sum(len(row.targets) for row in batch) for batch in batches) <= size


def test_every_pair_once_an_epoch_and_order_by_seed_and_epoch_alone() -> None:
    pairs = [PairIds((i // 3, END), (i % 50, *range(i % 7), END)) for i in range(200)]

    def order(seed: int, epoch: int, per_row: int = 1) -> list[list[Row]]:
        torch.manual_seed(epoch)  # other generators have no part in it
        return epoch_batches(grouped(pairs), targets_per_row=per_row, batch_size=8, seed=seed, epoch=epoch)

    for per_row in (1, 4):
        first = order(1, 0, per_row)
        assert rows_pairs([row for batch in first for row in batch]) == Counter(pairs)
        assert first == order(1, 0, per_row)
        assert len({repr(order(seed, epoch, per_row)) for seed in (1, 2) for epoch in (0, 1)}) == 4
    sizes = [len(batch) for batch in order(1, 0)]
    assert sizes == [8] * 25


def test_rows_of_one_target_are_the_same_objects_in_all_epochs() -> None:
    """Those of thirty epochs of XSUM would fill a gigabyte."""
    pairs = [PairIds((number, END), (number, END)) for number in range(10)]
    first, second = (
        {id(row) for step in schedule_steps(pairs, replace(PLAIN, epochs=2), seed=1) for row in step.rows}
        for _ in range(2)
    )
    assert len(first) == len(second) == 10


def test_batches_hold_rows_of_like_length() -> None:
    pairs = [PairIds((i, END), tuple(range(1 + i * 7 % 40))) for i in range(256)]
    batches = epoch_batches(grouped(pairs), targets_per_row=1, batch_size=8, seed=0, epoch=0)
    padded = sum(len(batch) * max(row.length for row in batch) for batch in batches)
    real = sum(row.length for batch in batches for row in batch)
    assert padded < 1.1 * real
    lengths = [max(row.length for row in batch) for batch in batches]
    assert lengths != sorted(lengths), "short and long batches take turns"


def test_evaluation_goes_by_length() -> None:
    rows = [Row((1,), (tuple(range(n)),)) for n in (5, 2, 9, 1)]
    assert [[row.length for row in batch] for batch in batches_of(rows, 3, None)] == [[1, 2, 5], [9]]


@pytest.mark.parametrize(
    ("accumulate", "max_steps", "sizes", "ends"),
    [
        (1, None, [1] * 6, [3, 6]),
        (2, None, [2, 1, 2, 1], [2, 4]),
        (2, 3, [2, 1, 2], [2, 3]),  # the step that max_steps cuts the epoch at ends it
        (1, 9, [1] * 6, [3, 6]),
    ],
)
def test_steps_of_all_epochs(accumulate: int, max_steps: int | None, sizes: list[int], ends: list[int]) -> None:
    pairs = [PairIds((number, END), (number, END)) for number in range(10)]
    config = replace(PLAIN, epochs=2, max_steps=max_steps, batch_size=4, accumulate=accumulate)
    steps = schedule_steps(pairs, config, seed=1)
    assert [len(step.micro_batches) for step in steps] == sizes
    assert [number for number, step in enumerate(steps, start=1) if step.ends_epoch] == ends
    first_epoch = [row for step in steps[: ends[0]] for row in step.rows]
    assert rows_pairs(first_epoch) == Counter(pairs)
    assert schedule_steps(pairs, config, seed=1) == steps != schedule_steps(pairs, config, seed=2)
