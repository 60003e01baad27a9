"""How long runs will take, from what finished runs took."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prefixrun.config.compose import SweepPoint, compose
from prefixrun.results.records import load_records
from prefixrun.sweeps.estimate import METEOR, START, SimilarRuns, Work, estimate_jobs, total, work
from prefixrun.sweeps.plan import Job
from synthetic_records import write_record


def test_work_is_counted_in_pairs_and_beams() -> None:
    config = compose(["train.epochs=2", "train.batch_size=4", "train_size=10", "test_size=5", "train.warmup_steps=0"])
    assert work(config, available=320, inputs=48) == Work(pairs=24, beams=25)
    assert work(compose(["train.max_steps=3", "train.warmup_steps=0"]), 320, 48) == Work(pairs=24, beams=240)


def test_what_is_unknown_is_counted_apart() -> None:
    assert total([1.0, None, 2.0]) == (3.0, 1)


def speeds(directory: Path, *runs: dict[str, Any]) -> SimilarRuns:
    """Each run trains a pair in `train_seconds` / 1600 and decodes 60 inputs with 5 beams in `decode_seconds`."""
    for seed, settings in enumerate(runs):
        write_record(directory, settings={"seed": seed, "train.accumulate": 1, **settings})
    return SimilarRuns(load_records(directory).runs)


def test_the_same_task_comes_first_and_then_the_same_model_and_method(tmp_path: Path) -> None:
    config = compose(["method=prefix", "threads=1"])
    todo = Work(pairs=1600, beams=300)
    seconds = START + METEOR + 100.0 + 115_200 / 1e5 + 20.0  # of synthetic records
    assert speeds(tmp_path / "none").seconds(config, todo) is None
    assert speeds(tmp_path / "other", {"method.name": "lora"}).seconds(config, todo) is None
    assert speeds(tmp_path / "task", {"task.name": "webnlg"}).seconds(config, todo) == pytest.approx(seconds)
    twice = {"train.batch_size": 32}
    mixed = speeds(tmp_path / "both", {"task.name": "webnlg", **twice}, {})
    assert mixed.seconds(config, todo) == pytest.approx(seconds)


def test_jobs_without_anything_to_do_take_no_time() -> None:
    done = Job(SweepPoint((), None), "seed=1", "finished")
    assert estimate_jobs([done, replace(done, state="impossible")]) == [None, None]


def test_starting_and_scoring_count_and_meteor_where_it_is_among_the_scores(tmp_path: Path) -> None:
    nothing = Work(0, 0)
    similar = speeds(tmp_path, {})
    assert similar.seconds(compose(["task=e2e"]), nothing) == START + METEOR
    assert similar.seconds(compose(["task=xsum"]), nothing) == START


def test_threads_share_the_work_and_a_gpu_says_nothing_of_a_processor(tmp_path: Path) -> None:
    todo = Work(pairs=1600, beams=300)
    write_record(tmp_path, settings={"train.accumulate": 1}, result={"provenance": {"threads": 2}})
    of_two_threads = SimilarRuns(load_records(tmp_path).runs)
    fixed = START + METEOR
    one = of_two_threads.seconds(compose(["threads=1"]), todo)
    two = of_two_threads.seconds(compose(["threads=2"]), todo)
    assert one is not None
    assert two is not None
    assert one - fixed == pytest.approx(2 * (two - fixed))
    assert of_two_threads.seconds(compose(["device=cuda"]), todo) is None
    on_gpu = {"provenance": {"accelerator": "a GPU", "threads": 16}}
    write_record(tmp_path / "gpu", settings={"train.accumulate": 1}, result=on_gpu)
    of_gpu = SimilarRuns(load_records(tmp_path / "gpu").runs)
    assert of_gpu.seconds(compose(["device=cuda"]), todo) == pytest.approx(two)
    assert of_gpu.seconds(compose(["device=cpu"]), todo) is None
