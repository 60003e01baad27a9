"""How much two prefixes agree, of numbers that say what comes out."""

from dataclasses import replace

import pytest
import torch

from prefixrun.results.inspection.agreement import ComparedRun, agreement, likeness
from prefixrun.results.inspection.attention_shares import READING, WRITING, SiteAttention
from prefixrun.results.inspection.losses import Change, LossChanges
from prefixrun.results.inspection.words import Position, SiteWords, Word

TENSOR = torch.randn(2, 2, 3, 4, 8, generator=torch.Generator().manual_seed(0))


def changes(values: list[float]) -> tuple[Change, ...]:
    return tuple(Change("decoder", (index,), (), value, 0.1) for index, value in enumerate(values))


def compared(run_id: str, tensor: torch.Tensor, tokens: str, shares: list[float]) -> ComparedRun:
    words = SiteWords("decoder", (0,), tuple(Position((Word(each, 0.5),), 0.1, ()) for each in tokens), tokens)
    attention = (
        SiteAttention("decoder", READING, (0,), ((9.0, 1.0, 5.0, 2.0),), 0.1, 3),
        SiteAttention("decoder", WRITING, (0,), (tuple(shares),), 0.1, 3),
    )
    everything = Change("", (), (), 1.0, None)
    losses = LossChanges(1.0, 4, 4, 9, everything, changes(shares), changes([1, 2, 3]), (), (), 4)
    return ComparedRun(run_id, 1, "e2e", {"decoder": tensor}, (words,), attention, losses)


def test_a_prefix_agrees_with_itself_whatever_its_size() -> None:
    one = compared("a", TENSOR, "text", [1, 2, 3, 4])
    same = agreement(one, compared("b", 3 * TENSOR, "text", [2, 4, 6, 8]))
    assert (same.run_id, same.most_alike, same.same_words) == ("b", 4, 4)
    assert same.same_positions == pytest.approx(1)
    assert same.other_positions is not None
    assert abs(same.other_positions) < 0.2
    assert (same.attention, same.positions, same.layers) == (pytest.approx(1), pytest.approx(1), pytest.approx(1))


def test_positions_in_another_order_are_not_the_same_ones() -> None:
    one = compared("a", TENSOR, "text", [1, 2, 3, 4])
    other = compared("b", TENSOR[:, :, :, [1, 0, 2, 3]], "taxt", [4, 3, 2, 1])
    found = agreement(one, other)
    assert (found.most_alike, found.same_words) == (2, 3)
    assert (found.attention, found.positions) == (pytest.approx(-1), pytest.approx(-1))


def test_what_is_not_there_is_not_compared() -> None:
    one = compared("a", TENSOR[:, :, :, :1], "t", [1])
    bare = replace(one, words=(), attention=())
    found = agreement(bare, bare)
    assert (found.other_positions, found.same_words, found.attention, found.positions) == (None, None, None, None)


def test_likeness_is_the_mean_of_the_cosines_of_all_heads() -> None:
    one, other = {"decoder": TENSOR}, {"decoder": TENSOR.flip(3)}
    assert float(likeness(one, other)[1, 2]) == pytest.approx(1)
    hand = torch.cosine_similarity(TENSOR[..., 0, :], TENSOR[..., 1, :], dim=-1).mean()
    assert float(likeness(one, other)[0, 2]) == pytest.approx(float(hand), abs=1e-6)
