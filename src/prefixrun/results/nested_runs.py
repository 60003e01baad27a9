"""Runs with nested training, used with the first positions of their prefix."""

from __future__ import annotations

from dataclasses import replace

from prefixrun.errors import ConfigError, shortened
from prefixrun.methods.nested import cut, shortest
from prefixrun.results.lookup import OpenedRun

AUTO = "auto"


def shortened_run(opened: OpenedRun, text: str) -> OpenedRun:
    """The run with the first positions of its prefix alone. text: how many, or "auto" for methods.nested.shortest.

    Raises ConfigError for a run without nested training, and for a length that it does not have.
    """
    config, run_id = opened.config, opened.record.run_id
    if not config.method.nested:
        raise ConfigError(
            f"prefix_len={shortened(text)}: run {run_id} was trained without method.nested=true, so its first "
            "positions alone are no prefix; leave it out"
        )
    if text == AUTO:
        losses = opened.record.losses_by_length
        if not losses:
            raise ConfigError(
                f"prefix_len=auto: run {run_id} has no development losses (train.eval_examples=0); give a number"
            )
        length = shortest(losses)
    else:
        length = int(text) if text.isdecimal() and len(text) < 10 else 0
        if not 1 <= length <= config.prefix_len:
            raise ConfigError(
                f"prefix_len={shortened(text)}: run {run_id} has lengths from 1 to {config.prefix_len}; give one of "
                "them or auto"
            )
    shorter, method = cut(config, opened.backbone, opened.method.trained_tensors(), length)
    return replace(opened, config=shorter, method=method)
