"""Diverged runs count against the setting that they were of."""

import json
import shutil
from pathlib import Path

import pytest

from prefixrun.results.diverged_runs import read_diverged
from prefixrun.results.records import load_records
from synthetic_records import write_diverged, write_record


def diverged_ids(results_dir: Path) -> dict[int, tuple[str, ...]]:
    """By seed, the ids of the diverged runs of a record's training."""
    return {record.seed: record.diverged for record in load_records(results_dir).runs}


def test_a_run_that_had_diverged_would_have_the_training_of_its_record(results: Path, tmp_path: Path) -> None:
    for record in load_records(results).runs:
        directory = tmp_path / record.directory.name
        directory.mkdir()
        shutil.copy(record.directory / "config.json", directory)
        (directory / "failed.json").write_text(json.dumps({"diverged": {}}))
        diverged = read_diverged(directory)
        assert diverged is not None
        assert (diverged.run_id, diverged.training_key) == (record.run_id, record.training_key)


@pytest.mark.parametrize("method", ["prefix", "finetune"])
def test_records_name_the_diverged_runs_of_their_training(tmp_path: Path, method: str) -> None:
    settings = {"method.name": method, "init.default_words": "Say it:"}
    write_record(tmp_path, settings={**settings, "seed": 1})
    write_record(tmp_path, settings={**settings, "seed": 2, "train.lr": 3e-4})
    words = {"init.default_words": None, "task.default_words": "Say it:"}
    alike = {**settings, **words, "seed": 3, "decode.beams": 1, "test_size": 7}
    directory = write_diverged(tmp_path, settings=alike)
    assert diverged_ids(tmp_path) == {1: (directory.name.rpartition("-")[2],), 2: ()}
    (skipped,) = load_records(tmp_path).skipped
    assert (skipped.directory, skipped.reason) == (directory, "the run diverged")


@pytest.mark.parametrize(
    "change", [{"train.epochs": 2}, {"init.default_words": "Else"}, {"prefix_len": 5}, {"model.name": "gpt2_medium"}]
)
def test_other_trainings_are_none_of_theirs(tmp_path: Path, change: dict[str, object]) -> None:
    write_record(tmp_path)
    write_diverged(tmp_path, settings={"seed": 3, **change})
    assert diverged_ids(tmp_path) == {101: ()}


def test_the_length_of_no_prefix_tells_no_trainings_apart(tmp_path: Path) -> None:
    write_record(tmp_path, settings={"method.name": "finetune"})
    write_diverged(tmp_path, settings={"method.name": "finetune", "seed": 3, "prefix_len": 5})
    assert len(diverged_ids(tmp_path)[101]) == 1


def test_a_run_that_failed_otherwise_or_has_a_result_has_not_diverged(tmp_path: Path) -> None:
    directory = write_diverged(tmp_path)
    (directory / "failed.json").write_text('{"message": "no memory"}')
    assert read_diverged(directory) is None
    finished = write_record(tmp_path, folder="runs")
    (finished / "failed.json").write_text('{"diverged": {}}')
    assert read_diverged(finished) is None


def test_a_configuration_of_another_run_is_named(tmp_path: Path) -> None:
    write_record(tmp_path)
    directory = write_diverged(tmp_path)
    directory.rename(directory.with_name(f"{directory.name[:-12]}000000000000"))
    loaded = load_records(tmp_path)
    assert (len(loaded.runs), loaded.diverged) == (1, ())
    assert "config.json is not the configuration of this run" in loaded.skipped[0].reason
