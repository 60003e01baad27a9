"""Reading finished runs back, whole or damaged."""

from pathlib import Path
from typing import Any

from checkout import ROOT
from prefixrun.results.records import Records, load_records
from synthetic_records import write_record


def only(records: Records) -> Any:
    (record,) = records.runs
    return record


def test_a_run_that_was_committed_too_counts_once(tmp_path: Path) -> None:
    committed = write_record(tmp_path, with_stats=False)
    run = write_record(tmp_path, folder="runs")
    record = only(load_records(tmp_path))
    assert record.directory == committed
    assert record.run_directory == run
    assert record.stats() is not None
    assert record.generations()


def test_a_run_that_differs_from_its_record_is_named(tmp_path: Path) -> None:
    committed = write_record(tmp_path)
    run = write_record(tmp_path, folder="runs", result={"n_train": 5})
    records = load_records(tmp_path)
    assert only(records).result["n_train"] != 5
    assert [(each.directory, each.reason) for each in records.skipped] == [
        (run, f"differs from {committed}, which is used")
    ]


def test_what_is_no_usable_record_is_named_with_the_reason(tmp_path: Path) -> None:
    write_record(tmp_path)
    damaged = {
        "torn-1": '{"schema_version": 1,',
        "old-2": '{"schema_version": 0}',
        "list-3": "[]",
        "nan-4": '{"schema_version": NaN}',
    }
    for name, text in damaged.items():
        (tmp_path / "records" / name).mkdir()
        (tmp_path / "records" / name / "result.json").write_text(text)
    moved = write_record(tmp_path, settings={"seed": 9})
    moved.rename(moved.with_name("e2e-prefix-smollm2_135m-000000000000"))
    (tmp_path / "records" / "notes.txt").write_text("mine")
    (tmp_path / "records" / ".hidden").write_text("not looked at")
    for name, file in (("empty-5", None), ("going-6", "config.json"), ("broken-7", "failed.json")):
        (tmp_path / "runs" / name).mkdir(parents=True)
        if file:
            (tmp_path / "runs" / name / file).write_text("{}")
    records = load_records(tmp_path)
    assert len(records.runs) == 1
    reasons = {each.directory.name: each.reason for each in records.skipped}
    assert "damaged" in reasons.pop("torn-1")
    assert "NaN" in reasons.pop("nan-4")
    assert reasons == {
        "old-2": "result.json: schema_version is 0, this version reads 1",
        "list-3": "result.json: is not an object",
        "e2e-prefix-smollm2_135m-000000000000": (
            f"result.json: run_id is {moved.name[-12:]}, which is not what the directory is named after"
        ),
        "notes.txt": "is not the directory of a run",
        "empty-5": "has neither result.json nor config.json: not the directory of a run",
        "going-6": "the run is not finished",
        "broken-7": "the run failed",
    }


def test_a_tree_without_records_is_empty(tmp_path: Path) -> None:
    assert load_records(tmp_path) == Records((), ())


def test_every_committed_record_can_be_read() -> None:
    records = load_records(ROOT / "results")
    committed = [record for record in records.runs if record.directory.parent.name == "records"]
    assert committed
    diverged = {run.directory for run in records.diverged}
    assert diverged, "kept as they are"
    assert not [
        run for run in records.skipped if run.directory.parent.name == "records" and run.directory not in diverged
    ]
    for record in committed:
        assert len(record.outputs()) == record.result["n_inputs"]
        counts = record.stats()
        if counts is not None:
            assert set(counts.ids) == set(record.outputs())
