"""The work on one run of a sweep, and how it ended."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Literal

from prefixrun.config.schema import Config
from prefixrun.errors import ConfigError, DiskFullError, DivergedError, Interrupted, PrefixrunError, RunHeldError
from prefixrun.runs.diverged import known_divergence
from prefixrun.runs.identity import find_run

End = Literal["before", "now", "failed", "diverged", "impossible", "held", "interrupted", "not started"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the work on one run ended; plain values, because other processes hand it over."""

    end: End
    reason: str = ""
    exit_code: int = 0
    seconds: float = 0.0


def attempt(config: Config) -> Outcome:
    """Do what is left of one run; only an interruption and a full disk get out of it."""
    start = time.monotonic()
    outcome = _outcome(*_attempt(config))
    return replace(outcome, seconds=time.monotonic() - start)


def _attempt(config: Config) -> tuple[End, Exception | None]:
    from prefixrun.runs import pipeline, prepare  # torch takes seconds; a finished run is passed over without it

    try:
        run = find_run(config)
        state = run.state()
        if state == "finished":
            return "before", None
        if state == "diverged" and (error := known_divergence(run, config)):
            return "diverged", error
        prepared = prepare.prepare(config)
    except ConfigError as error:
        return "impossible", error
    except Exception as error:  # noqa: BLE001 - whatever one run ends with, the others go on
        return "failed", error
    try:
        return ("now" if pipeline.complete(run, prepared, quiet=True) else "before"), None
    except RunHeldError as error:
        return "held", error
    except DivergedError as error:
        return "diverged", error
    except (DiskFullError, Interrupted):
        raise
    except Exception as error:  # noqa: BLE001
        return "failed", error


def _outcome(end: End, error: Exception | None) -> Outcome:
    if error is None:
        return Outcome(end)
    if isinstance(error, PrefixrunError):
        return Outcome(end, str(error), error.exit_code)
    return Outcome(end, f"{type(error).__name__}: {error}", 1)
