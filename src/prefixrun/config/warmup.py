"""The warm-up of a recipe on a run that the command line makes shorter than the recipe meant it."""

import math
from collections.abc import Collection, Mapping
from typing import Any

SHARE = 3
"""A shortened warm-up is one step of this many: at the learning rates of the recipes it is the first steps that
diverge."""


def fit_warmup(raw: dict[str, Any], user_keys: Collection[str]) -> None:
    """Make a recipe's warm-up a third of the steps where it would be as long as the run.

    ``raw``: the composed configuration before it is checked, changed in place. A warm-up among ``user_keys`` stays, so
    that it is refused where it is too long.
    """
    train = raw.get("train")
    if "train.warmup_steps" in user_keys or not isinstance(train, Mapping):
        return
    max_steps, batch, accumulate, epochs = (
        train.get(name) for name in ("max_steps", "batch_size", "accumulate", "epochs")
    )
    steps = fewest_steps(max_steps, batch, accumulate, epochs, raw.get("train_size"))
    warmup = train.get("warmup_steps")
    if steps is not None and isinstance(warmup, int) and warmup >= steps:
        raw["train"] = {**train, "warmup_steps": steps // SHARE}


def fewest_steps(max_steps: Any, batch: Any, accumulate: Any, epochs: Any, pairs: Any) -> int | None:
    """The number of steps as far as settings tell it; None where it depends on the corpus or a value is wrong."""
    steps = [max_steps] if _is_count(max_steps) else []
    if all(_is_count(number) for number in (batch, accumulate, epochs, pairs)):
        steps.append(epochs * math.ceil(math.ceil(pairs / batch) / accumulate))
    return min(steps, default=None)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
