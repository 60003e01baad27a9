"""A run that has diverged is not tried again: the same settings would only diverge again."""

from __future__ import annotations

from collections.abc import Mapping

from prefixrun.config.schema import Config
from prefixrun.errors import DivergedError
from prefixrun.runs.run import Run


def known_divergence(run: Run, config: Config) -> DivergedError | None:
    """The error of a run that has diverged before; None for any other run, and for one that was judged by other
    settings (train.diverged_factor, train.diverged_steps) than it would be now."""
    failure = run.failure() or {}
    details = failure.get("diverged")
    if not isinstance(details, Mapping):
        return None
    judged_by = (details.get("factor"), details.get("steps"))
    if judged_by != (config.train.diverged_factor, config.train.diverged_steps):
        return None
    return DivergedError(
        f"run {run.id} diverged before and was not tried again: {failure['message']}. "
        f"To train it again all the same, delete {run.directory}",
        details,
    )
