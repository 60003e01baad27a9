"""Batches of an encoder-decoder by hand: each source once, every target a row."""

import torch

from prefixrun.models.batches import Row
from prefixrun.models.encoder_decoder_batches import collate

START, END = 2, 9


def test_a_batch_by_hand() -> None:
    rows = [Row((7, END), ((5, 6, END), (END,))), Row((1, 3, 4, END), ((8, END),))]
    batch = collate(rows, START, "token_mean", device="cpu", dtype=torch.float32)
    assert batch.source.tolist() == [[7, END, 0, 0], [1, 3, 4, END]]
    assert (batch.source_mask == 0)[:, 0, 0].tolist() == [[True, True, False, False], [True] * 4]
    assert batch.source_of_row.tolist() == [0, 0, 1]
    assert batch.ids.tolist() == [[START, 5, 6], [START, 0, 0], [START, 8, 0]]
    assert batch.positions.tolist() == [[0, 1, 2]] * 3
    # what predicts what: START the first id of every target, each id the next one
    assert batch.predicts.tolist() == [0, 1, 2, 3, 6, 7]
    assert batch.labels.tolist() == [5, 6, END, END, 8, END]
    assert batch.position_count == 3 * 3 + 2 * 4
