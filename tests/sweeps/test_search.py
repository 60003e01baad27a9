"""The study of a search: resumed, held, and stopped early, with a loss that costs nothing."""

import math
from pathlib import Path

import pytest
from filelock import FileLock

from prefixrun.errors import DamagedStateError, RunHeldError
from prefixrun.sweeps.search import FILE, EndedTrial, Evaluate, Trial, TrialEnd, TrialStopped, best, search
from prefixrun.sweeps.space import Choice, Interval

pytestmark = pytest.mark.needs("optuna")

SPACE = {"train.lr": Interval(1e-4, 1, log=True), "method": Choice(("a", "b"))}


def loss_of(trial: Trial) -> TrialEnd:
    """Lowest at a rate of 0.01 of method b."""
    return TrialEnd("complete", abs(math.log10(float(trial.values["train.lr"])) + 2) + (trial.values["method"] == "a"))


def run(
    directory: Path, trials: int, evaluate: Evaluate = loss_of, first: dict[str, object] | None = None
) -> list[EndedTrial]:
    return search(directory, SPACE, first or {}, trials, evaluate, lambda *_: None)


def test_a_search_begins_with_what_is_set_and_finds_the_minimum(tmp_path: Path) -> None:
    ended = run(tmp_path, 25, first={"train.lr": 0.5, "method": "a"})
    assert len(ended) == 25
    assert ended[0].values == {"train.lr": "0.5", "method": "a"}
    chosen = best(ended)
    assert chosen is not None
    assert chosen.values["method"] == "b"
    assert chosen.ended.loss is not None
    assert chosen.ended.loss < 0.5
    assert len({trial.values["train.lr"] for trial in ended}) > 20


def test_a_search_goes_on_where_it_was(tmp_path: Path) -> None:
    tried: list[str] = []

    def dies_once(trial: Trial) -> TrialEnd:
        tried.append(trial.values["train.lr"])
        if len(tried) == 3:
            raise KeyboardInterrupt
        return loss_of(trial)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, 5, dies_once)
    ended = run(tmp_path, 5, dies_once)
    assert len(ended) == 5
    assert tried[3] == tried[2], "the trial that was interrupted is tried again"
    assert len(tried) == 6
    assert len(set(tried)) == 5, "a sampler that begins anew draws nothing twice"
    assert run(tmp_path, 5, dies_once) == ended
    assert len(tried) == 6


def test_a_trial_behind_the_others_is_stopped(tmp_path: Path) -> None:
    number = iter(range(9))

    def worse_and_worse(trial: Trial) -> TrialEnd:
        loss = float(next(number))
        try:
            trial.report(1, loss)
        except TrialStopped as stopped:
            return TrialEnd("stopped", loss, str(stopped))
        return TrialEnd("complete", loss)

    ended = run(tmp_path, 6, worse_and_worse)
    assert [trial.ended.end for trial in ended] == [*["complete"] * 4, "stopped", "stopped"]
    assert ended[-1].ended.reason == "stopped at step 1: dev loss 5.0000"


def test_how_trials_without_a_loss_count(tmp_path: Path) -> None:
    ends = iter([TrialEnd("failed", reason="no luck"), TrialEnd("diverged", reason="too fast"), TrialEnd("impossible")])
    ended = run(tmp_path, 3, lambda trial: next(ends))
    assert [trial.ended.end for trial in ended] == ["diverged", "impossible"]
    assert best(ended) is None
    ended = run(tmp_path, 3)
    assert [trial.ended.end for trial in ended] == ["diverged", "impossible", "complete"], "a failed one is tried again"


def test_a_search_belongs_to_one_process(tmp_path: Path) -> None:
    with FileLock(str(tmp_path / "study.lock")), pytest.raises(RunHeldError, match="another process works on this"):
        run(tmp_path, 1)


def test_a_damaged_study_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database" * 100)
    with pytest.raises(DamagedStateError, match=r"study\.db: .*delete it to begin the search again"):
        run(tmp_path, 1)
