"""How the work on one run ends: every error becomes an outcome, but for what must end the whole sweep."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from prefixrun.config.schema import Config
from prefixrun.errors import ConfigError, DataError, DiskFullError, Interrupted, PrefixrunError, RunHeldError
from prefixrun.runs import pipeline, prepare
from prefixrun.sweeps import attempts
from prefixrun.sweeps.attempts import attempt

CONFIG: Any = SimpleNamespace()
"""Handed on only."""


def raises(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@pytest.fixture(autouse=True)
def nothing_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "find_run", lambda config: SimpleNamespace(state=lambda: "new"))
    monkeypatch.setattr(prepare, "prepare", lambda config: config)
    monkeypatch.setattr(pipeline, "complete", lambda run, prepared, quiet: True)


@pytest.mark.parametrize(("is_done_here", "end"), [(True, "now"), (False, "before")])
def test_a_run_that_is_done(is_done_here: bool, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "complete", lambda run, prepared, quiet: is_done_here)
    outcome = attempt(CONFIG)
    assert (outcome.end, outcome.reason, outcome.exit_code) == (end, "", 0)
    assert outcome.seconds >= 0


def test_a_finished_run_is_not_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "find_run", lambda config: SimpleNamespace(state=lambda: "finished"))
    monkeypatch.setattr(prepare, "prepare", raises(AssertionError("prepared")))
    assert attempt(CONFIG).end == "before"


@pytest.mark.parametrize(
    ("error", "prepared", "completed"),
    [
        (ConfigError("a key"), ("impossible", "a key", 2), ("failed", "a key", 2)),
        (DataError("a line"), ("failed", "a line", 3), ("failed", "a line", 3)),
        (RunHeldError("process 1"), ("failed", "process 1", 75), ("held", "process 1", 75)),
        (PrefixrunError("no luck"), ("failed", "no luck", 1), ("failed", "no luck", 1)),
        (ZeroDivisionError("a defect"), *[("failed", "ZeroDivisionError: a defect", 1)] * 2),
    ],
)
def test_errors_become_outcomes(
    error: Exception, prepared: tuple[str, str, int], completed: tuple[str, str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(config: Config) -> tuple[str, str, int]:
        outcome = attempt(config)
        return outcome.end, outcome.reason, outcome.exit_code

    monkeypatch.setattr(pipeline, "complete", raises(error))
    assert ended(CONFIG) == completed
    monkeypatch.setattr(prepare, "prepare", raises(error))
    assert ended(CONFIG) == prepared


@pytest.mark.parametrize("error", [DiskFullError("full"), Interrupted("stopped")])
def test_what_ends_the_sweep_gets_out(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "complete", raises(error))
    with pytest.raises(type(error)):
        attempt(CONFIG)
