"""What one finished run says of itself."""

from pathlib import Path
from typing import Any

import pytest

from prefixrun.metrics import aggregate
from prefixrun.results.records import Records, load_records
from synthetic_records import write_record


def only(records: Records) -> Any:
    (record,) = records.runs
    return record


def test_a_record_says_what_its_result_says(tmp_path: Path) -> None:
    directory = write_record(tmp_path, settings={"seed": 7, "subsample_seed": 3, "prefix_len": 5})
    record = only(load_records(tmp_path))
    assert record.directory == directory
    assert (record.task, record.method, record.model) == ("e2e", "prefix", "smollm2_135m")
    assert (record.seed, record.subsample_seed, record.prefix_len, record.split) == (7, 3, 5, "test")
    assert record.settings["train.lr"] == 1e-3
    assert record.signature("BLEU") == "synthetic:1"
    assert record.value("METEOR") is None
    assert record.reason("METEOR") == "not among its scores"
    assert record.reason("BLEU") is None


def test_settings_that_a_run_does_not_name_have_the_schemas_defaults(tmp_path: Path) -> None:
    write_record(tmp_path)
    settings = only(load_records(tmp_path)).settings
    assert settings["train.adam_beta1"] == 0.9
    assert settings["decode.length_penalty"] == 1.0
    assert "train.checkpoint_every" not in settings  # no default, and not part of a run's settings


@pytest.mark.parametrize("folder", ["records", "runs"])
def test_outputs_and_counts_are_read_from_records_and_from_runs(tmp_path: Path, folder: str) -> None:
    write_record(tmp_path, folder=folder, settings={"task.name": "webnlg"}, inputs=10)
    record = only(load_records(tmp_path))
    counts = record.stats()
    assert list(record.outputs()) == [f"test-{position:05d}" for position in range(10)]
    assert record.outputs()["test-00003"] == "Output test-00003 of prefix."
    assert counts is not None
    assert counts.ids == tuple(record.outputs())
    assert counts.groups == ("unseen", "seen") * 5
    assert aggregate("webnlg", counts.columns)["BLEU"] == record.value("BLEU/all")
    assert len(record.generations()) == (10 if folder == "runs" else 0)


@pytest.mark.parametrize(
    ("changes", "data_source", "is_one_group"),
    [
        ({"seed": 2}, "release", True),
        ({"subsample_seed": 2}, "release", True),
        ({"seed": 2, "threads": 8}, "release", True),
        ({"seed": 2, "train.adam_beta1": 0.9}, "release", True),  # the default, named
        ({"prefix_len": 5}, "release", False),
        ({"train.lr": 2e-3}, "release", False),
        ({}, "sample", False),
    ],
)
def test_runs_that_differ_in_seeds_alone_are_one_group(
    tmp_path: Path, changes: dict[str, Any], data_source: str, is_one_group: bool
) -> None:
    write_record(tmp_path)
    write_record(tmp_path, settings=changes, data_source=data_source)
    assert _number_of_groups(tmp_path) == (1 if is_one_group else 2)


def test_what_a_method_does_not_have_does_not_tell_groups_apart(tmp_path: Path) -> None:
    for number, change in enumerate(({}, {"prefix_len": 5}, {"init.name": "random"}, {"init_words": "x"})):
        write_record(tmp_path, settings={"method.name": "finetune", "seed": number, **change})
    assert _number_of_groups(tmp_path) == 1


def _number_of_groups(results: Path) -> int:
    return len({record.group_key for record in load_records(results).runs})
