"""The trials of `prefixrun tune` on a tiny model; tests/cli/commands/test_tune.py has the command."""

from typing import Any

import pytest

from prefixrun.errors import ConfigError, PrefixrunError
from prefixrun.sweeps.space import Choice, Interval
from prefixrun.sweeps.tuning import final_loss, tuning

TINY = ("model=tiny_gpt2", "method=prefix_flat", "init=random", "train.lr=0.01", "train.max_steps=40")


def test_without_a_space_the_rate_is_searched_around_the_recipes() -> None:
    tuned = tuning(TINY, {})
    assert tuned.space == {"train.lr": Interval(3e-4, 0.3, log=True)}
    assert tuned.first == {"train.lr": 0.01}
    assert tuned.base.train.eval_every == 10
    assert tuning([*TINY, "train.eval_every=7"], {}).base.train.eval_every == 7


def test_the_directory_is_that_of_the_settings_and_the_space() -> None:
    one = tuning(TINY, {"train.lr": Interval(1e-3, 1)}).directory
    assert one == tuning([*TINY, "threads=1"], {"train.lr": Interval(1e-3, 1)}).directory
    assert one.parent.name == "tune"
    assert one != tuning(TINY, {"train.lr": Interval(1e-3, 2)}).directory
    assert one != tuning([*TINY, "prefix_len=3"], {"train.lr": Interval(1e-3, 1)}).directory


@pytest.mark.parametrize(
    ("words", "space", "message"),
    [
        (("train.eval_examples=0",), {}, r"train\.eval_examples=0: a search needs a development loss"),
        (("eval_split=dev",), {}, "eval_split=dev takes the development loss from training pairs that are not used"),
        ((), {"train.learning_rate": Interval(1, 2)}, r"train\.learning_rate"),
        ((), {"method": Choice(("prefixx", "prefix"))}, "prefixx is no choice of method"),
        (("prefix_length=3",), {}, "prefix_length"),
    ],
)
def test_what_cannot_be_searched_is_refused(words: tuple[str, ...], space: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        tuning([*TINY, *words], space)


def test_the_loss_of_a_trial_is_that_of_the_state_that_it_keeps() -> None:
    history = [{"step": 1, "dev_loss": 2.0}, {"step": 2, "dev_loss": 1.0}, {"step": 3, "dev_loss": 1.5}]
    assert final_loss(history, "last") == 1.5
    assert final_loss(history, "best") == 1.0
    with pytest.raises(PrefixrunError, match="no development loss"):
        final_loss([{"step": 1, "train_loss": 2.0}], "last")
