"""Runs that differ in decoding and test inputs alone: trained once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prefixrun import files
from prefixrun.cli import run_command
from prefixrun.runs import stages
from prefixrun.runs.configure import compose
from prefixrun.runs.identity import find_run
from prefixrun.runs.result_schema import validate_result
from prefixrun.runs.run import Run
from prefixrun.runs.shared_training import training_identity
from small_run import SMALL

pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The method of every training that is done."""
    done: list[str] = []
    train = stages.train

    def counted(prepared: Any, *rest: Any) -> stages.TrainingOutcome:
        done.append(prepared.config.method.name)
        return train(prepared, *rest)

    monkeypatch.setattr(stages, "train", counted)
    return done


def go(results: Path, *changes: str) -> Run:
    config = replace(compose([*SMALL, "model=tiny_llama", *changes]), results_dir=str(results))
    assert run_command.run(config) == 0
    return find_run(config)


@pytest.mark.parametrize("changes", [["test_size=2"], ["decode.beams=2"], ["decode.max_new_tokens=5", "test_size=1"]])
def test_the_training_of_a_run_that_differs_behind_it_alone_is_taken_over(
    tmp_path: Path, trainings: list[str], changes: list[str]
) -> None:
    first = go(tmp_path)
    second = go(tmp_path, *changes)
    assert trainings == ["prefix"]
    assert second.id != first.id
    assert second.trained_file.read_bytes() == first.trained_file.read_bytes()
    one, other = first.result(), second.result()
    assert other["training"] == {**one["training"], "of_run": first.id}
    assert other["costs"]["train_seconds"] == one["costs"]["train_seconds"]
    assert validate_result(other) == []
    alone = go(tmp_path / "alone", *changes)
    assert second.generations.read_bytes() == alone.generations.read_bytes()


def test_a_third_run_names_the_one_that_was_trained(tmp_path: Path, trainings: list[str]) -> None:
    first = go(tmp_path)
    second, third = go(tmp_path, "test_size=2"), go(tmp_path, "test_size=4")
    assert trainings == ["prefix"]
    assert [run.result()["training"]["of_run"] for run in (second, third)] == [first.id] * 2


@pytest.mark.parametrize("change", ["seed=2", "train.max_steps=1", "train_size=6", "eval_split=dev"])
def test_another_training_is_done(tmp_path: Path, trainings: list[str], change: str) -> None:
    go(tmp_path)
    second = go(tmp_path, change)
    assert len(trainings) == 2
    assert "of_run" not in second.result()["training"]


@pytest.mark.parametrize("damage", ["trained", "costs", "config", "manifest", "not kept"])
def test_what_cannot_be_trusted_is_trained_again(tmp_path: Path, trainings: list[str], damage: str) -> None:
    first = go(tmp_path, *(["keep_trained=false"] if damage == "not kept" else []))
    if damage == "trained":
        first.trained_file.write_bytes(first.trained_file.read_bytes()[:-1] + b"x")
    elif damage == "costs":
        files.write_json(first.costs, {})
    elif damage == "config":
        first.config_json.write_text("[")
    elif damage == "manifest":
        first.manifest.path.unlink()
    second = go(tmp_path, "test_size=2")
    assert len(trainings) == 2
    assert "of_run" not in second.result()["training"]


def test_identity_of_a_training() -> None:
    settings = {"seed": 1, "test_size": 3, "decode": {"beams": 5}, "train": {"lr": 0.1}}
    identity = {"semantics": 1, "model": "m", "data": {"test": []}, "settings": settings}
    assert training_identity(identity) == {**identity, "settings": {"seed": 1, "train": {"lr": 0.1}}}
