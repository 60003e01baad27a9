"""When a training has diverged."""

from dataclasses import replace

import pytest

from prefixrun.training.divergence import diverged, next_rate, risen_loss
from training_settings import PLAIN

CONFIG = replace(PLAIN, lr=1e-3, diverged_factor=2.0, diverged_steps=3)


@pytest.mark.parametrize(
    ("start", "recent", "is_last", "risen"),
    [
        (2.0, [4.0, 5.0, 6.0], False, 5.0),
        (2.0, [4.0, 4.0, 4.0], False, None),  # not more than twice the start
        (2.0, [9.0, 9.0], False, None),  # too few steps
        (2.0, [9.0, 9.0], True, 9.0),  # there are no more
        (2.0, [], True, None),  # a training of one step
        (2.0, [9.0, 1.0, 1.0], False, None),  # one bad step
        (0.01, [0.5, 0.5, 0.5], False, None),  # many times a start near zero, and still small
        (0.01, [2.5, 2.5, 2.5], False, 2.5),
    ],
)
def test_a_loss_has_risen_when_its_mean_is_far_above_the_start(
    start: float, recent: list[float], is_last: bool, risen: float | None
) -> None:
    assert risen_loss(start, recent, CONFIG, is_last=is_last) == risen


def test_without_a_factor_no_loss_is_too_high() -> None:
    assert risen_loss(1.0, [1e9] * 10, replace(CONFIG, diverged_factor=None), is_last=True) is None


@pytest.mark.parametrize(("rate", "next_one"), [(1e-3, 3e-4), (3e-4, 1e-4), (0.15, 0.05), (0.02, 0.007), (1e30, 3e29)])
def test_the_next_rate_is_about_a_third(rate: float, next_one: float) -> None:
    assert next_rate(rate) == next_one


def test_the_error_names_the_best_state() -> None:
    history = [{"step": 2, "train_loss": 1.0, "dev_loss": 1.5}, {"step": 4, "train_loss": 3.0, "dev_loss": 2.5}]
    error = diverged("the loss is not a number", 5, CONFIG, history, {"a": 1})
    assert str(error) == (
        "step 5: the loss is not a number; training has diverged, try train.lr=0.0003 (now 0.001) or a warm-up "
        "(train.warmup_steps, now 0); the checkpoint of step 2, dev loss 1.5000, is in best.safetensors"
    )
    assert (error.exit_code, error.state, error.details["history"]) == (6, {"a": 1}, history)
    assert "best" not in str(diverged("the loss is not a number", 5, CONFIG, history, {}))
