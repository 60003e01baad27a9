"""What the points of a sweep are: equal ones are one run, states come from the files, nothing is computed."""

from collections import Counter

import pytest

from prefixrun.runs.configure import sweep_points
from prefixrun.runs.lock import RunLock
from prefixrun.sweeps import plan
from prefixrun.sweeps.plan import Job, plan_jobs

TINY = ("model=tiny_gpt2", "method=prefix_flat", "init=random")


def planned(*words: str) -> list[Job]:
    return plan_jobs(sweep_points([*TINY, *words]))


def test_points_that_differ_in_nothing_that_counts_are_one_run() -> None:
    (job,) = planned("seed=1", "threads=1,2", "decode.batch_size=4,8")
    assert (job.state, job.equal) == ("new", 3)
    assert len(planned("seed=1,2", "threads=1,2")) == 2


def test_labels_are_what_sets_runs_apart() -> None:
    assert [job.label for job in planned("seed=1,2", "prefix_len=3")] == ["seed=1", "seed=2"]
    assert [job.label for job in planned("seed=1")] == [" ".join((*TINY, "seed=1"))]


def test_a_budget_is_the_run_of_its_size_and_its_label_says_which() -> None:
    one, other = planned("budget=1%,2%", "seed=1")
    assert [one.label, other.label] == ["budget=1% (prefix_len=5)", "budget=2% (prefix_len=10)"]
    (typed,) = planned("prefix_len=10", "seed=1")
    assert typed.run is not None
    assert other.run is not None
    assert typed.run.id == other.run.id


def test_the_states_of_runs() -> None:
    found = planned("seed=1,2,3,4", "prefix_len=0,2")
    runs = [job.run for job in found if job.run]
    assert Counter(job.state for job in found) == {"new": 4, "impossible": 4}
    with runs[0].hold():
        pass
    with runs[1].hold():
        runs[1].fail("the loss is not a number")
    runs[2].directory.mkdir(parents=True)
    with RunLock(runs[2].directory):
        found = planned("seed=1,2,3,4", "prefix_len=0,2")
    assert Counter(job.state for job in found) == {"new": 1, "interrupted": 1, "failed": 1, "held": 1, "impossible": 4}
    reasons = {job.state: job.reason for job in found}
    assert reasons["failed"] == "the loss is not a number"
    assert reasons["held"].startswith("process ")
    assert reasons["impossible"] == "prefix_len=0: must be a whole number at least 1"


def test_missing_data_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    find = plan.find_run
    monkeypatch.setattr(plan, "find_run", lambda config: (asked.append(config), find(config))[1])
    found = planned("seed=1,2,3", "data_dir=nowhere")
    assert [(job.state, job.exit_code) for job in found] == [("unavailable", 3)] * 3
    assert "nowhere" in found[2].reason
    assert len(asked) == 1
    assert not any(job.is_open for job in found)


def test_a_damaged_run_is_a_failure_with_its_reason() -> None:
    (job,) = planned("seed=1")
    assert job.run is not None
    with job.run.hold():
        job.run.result_json.write_text("{")
    (job,) = planned("seed=1")
    assert (job.state, job.exit_code) == ("failed", 5)
    assert "result.json" in job.reason
