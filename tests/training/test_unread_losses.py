"""Losses that are read back later are those of their steps."""

import torch

from prefixrun.training.unread_losses import StepLoss, UnreadLosses, read_scalars


def test_losses_are_read_once_and_by_step() -> None:
    unread = UnreadLosses()
    unread.add(3, 7, [torch.tensor(0.5), torch.tensor(0.25)], 2, [0.125, 0.5])
    unread.add(4, 2, [torch.tensor(1.0, requires_grad=True)], 1, [0.5])
    assert len(unread) == 2
    assert unread.read() == [StepLoss(3, 0.5 * 2 / 0.125 + 0.25 * 2 / 0.5, 7), StepLoss(4, 2.0, 2)]
    assert len(unread) == 0
    assert unread.read() == []


def test_a_process_without_a_row_of_the_batch_has_no_loss() -> None:
    unread = UnreadLosses()
    unread.add(1, 4, [], 2, [])
    assert unread.read() == [StepLoss(1, 0.0, 4)]
    assert read_scalars([]) == []
