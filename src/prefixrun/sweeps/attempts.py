"""What becomes of runs that this process works on: one alone, or several that are trained together first."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from prefixrun.config.schema import Config
from prefixrun.errors import ConfigError, DiskFullError, PrefixrunError, RunHeldError
from prefixrun.runs import pipeline

End = Literal["before", "now", "failed", "impossible", "held", "interrupted", "not started"]

TOGETHER = ("prefix", "prefix_flat", "embedding")
"""Methods that act by keys and values in front of attention modules alone, which each row can have of its own."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the work on one run ended; plain values, because other processes hand it over."""

    end: End
    reason: str = ""
    exit_code: int = 0
    seconds: float = 0.0


def groups(configs: Sequence[Config]) -> list[tuple[int, ...]]:
    """The places of runs that are worked on together: at most `joint` that one pass can serve, in their order."""
    found: list[list[int]] = []
    last: dict[tuple[object, ...], list[int]] = {}
    for place, config in enumerate(configs):
        group = last.get(_shared(config)) if _can_share(config) else None
        if group is not None and len(group) < config.joint:
            group.append(place)
            continue
        found.append([place])
        if _can_share(config):
            last[_shared(config)] = found[-1]
    return [tuple(group) for group in found]


def _can_share(config: Config) -> bool:
    """The language model's own dropout would draw other numbers for a row among others than for one alone."""
    return config.joint > 1 and config.method.name in TOGETHER and not config.train.lm_dropout


def _shared(config: Config) -> tuple[object, ...]:
    """What runs of one pass have in common: backbone, where they compute, data, and the size of batches."""
    train, method = config.train, config.method
    return (
        *(config.model, config.precision, config.device, config.threads, method.sites),
        *(config.task, config.data, config.data_dir, config.results_dir),
        *(train.batch_size, train.accumulate, train.targets_per_row, config.joint),
    )


def attempts(configs: Sequence[Config]) -> Iterator[Outcome]:
    """Do what is left of runs, one of `groups`; how each ended, in their order. Only a signal and a full disk get
    out."""
    if len(configs) == 1:
        yield attempt(configs[0])
        return
    from prefixrun.sweeps.together import train_together  # imports torch

    start = time.monotonic()
    failed = train_together(configs)
    each = (time.monotonic() - start) / len(configs)
    for place, config in enumerate(configs):
        outcome = _outcome("failed", failed[place]) if place in failed else attempt(config)
        yield replace(outcome, seconds=outcome.seconds + each)


def attempt(config: Config) -> Outcome:
    """Do what is left of one run; only a signal and a full disk get out of it."""
    start = time.monotonic()
    outcome = _outcome(*_attempt(config))
    return replace(outcome, seconds=time.monotonic() - start)


def _attempt(config: Config) -> tuple[End, Exception | None]:
    try:
        run = pipeline.find(config)
        if run.state() == "finished":
            return "before", None
        corpora, backbone = pipeline.ready(config, quiet=True)
    except ConfigError as error:
        return "impossible", error
    except Exception as error:  # noqa: BLE001 - whatever one run ends with, the others go on
        return "failed", error
    try:
        return ("now" if pipeline.carry_out(run, config, corpora, backbone, quiet=True) else "before"), None
    except RunHeldError as error:
        return "held", error
    except DiskFullError:
        raise
    except Exception as error:  # noqa: BLE001
        return "failed", error


def _outcome(end: End, error: Exception | None) -> Outcome:
    if error is None:
        return Outcome(end)
    if isinstance(error, PrefixrunError):
        return Outcome(end, str(error), error.exit_code)
    return Outcome(end, f"{type(error).__name__}: {error}", 1)
