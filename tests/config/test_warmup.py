"""A recipe's warm-up on runs that the command line makes short."""

import pytest

from prefixrun.config.compose import compose
from prefixrun.config.warmup import fewest_steps


@pytest.mark.parametrize(
    ("overrides", "warmup"),
    [
        ([], 10),  # the recipe's
        (["train.max_steps=11"], 10),
        (["train.max_steps=10"], 3),
        (["train.max_steps=5"], 1),
        (["train_size=16", "train.batch_size=8", "train.epochs=5"], 3),  # 10 steps
        (["train.max_steps=20", "train.warmup_steps=3"], 3),
    ],
)
def test_a_warm_up_that_nobody_typed_never_fills_the_run(overrides: list[str], warmup: int) -> None:
    assert compose(overrides).train.warmup_steps == warmup


@pytest.mark.parametrize(
    ("values", "steps"),
    [
        ((7, 8, 1, 1, None), 7),
        ((None, 8, 2, 3, 17), 6),  # 3 batches, accumulated to 2 steps an epoch
        ((4, 8, 2, 3, 17), 4),
        ((None, 8, 2, 3, None), None),
        (("many", 8, 1, 1, True), None),
    ],
)
def test_the_number_of_steps_that_settings_tell(values: tuple[object, ...], steps: int | None) -> None:
    assert fewest_steps(*values) == steps
