"""Runs that become committed records."""

from pathlib import Path

import pandas as pd
import pytest

from prefixrun.errors import DamagedStateError, DataError
from prefixrun.results.archive import ArchivedRun, archive_diverged, archive_runs, select_runs
from prefixrun.results.records import SkippedRun, load_records
from synthetic_records import write_diverged, write_record


def runs(results_dir: Path, *seeds: int) -> list[Path]:
    settings = [{"task.name": "webnlg", "seed": seed} for seed in seeds]
    return [write_record(results_dir, folder="runs", settings=each, inputs=6) for each in settings]


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_what_is_kept_says_the_same_as_the_run(tmp_path: Path) -> None:
    runs(tmp_path, 1, 2)
    before = load_records(tmp_path, ("runs",)).runs
    archive_runs(before, tmp_path / "kept")
    after = load_records(tmp_path / "kept").runs
    for one, other in zip(before, after, strict=True):
        assert other.result == one.result
        assert other.outputs() == one.outputs()
        mine, theirs = one.stats(), other.stats()
        assert mine is not None
        assert theirs is not None
        assert (mine.ids, mine.groups) == (theirs.ids, theirs.groups)
        pd.testing.assert_frame_equal(pd.DataFrame(mine.columns), pd.DataFrame(theirs.columns))


def test_only_the_small_files_are_kept(tmp_path: Path) -> None:
    (directory,) = runs(tmp_path, 1)
    (directory / "weights.safetensors").write_bytes(b"large")
    (kept,) = archive_runs(load_records(tmp_path).runs, tmp_path)
    assert sorted(contents(kept.directory)) == ["outputs.jsonl.gz", "result.json", "stats.parquet"]


def test_the_same_run_gives_the_same_bytes_and_is_written_once(tmp_path: Path) -> None:
    (directory,) = runs(tmp_path, 1)
    found = load_records(tmp_path, ("runs",)).runs
    (first,) = archive_runs(found, tmp_path)
    (other,) = archive_runs(found, tmp_path / "other")
    assert contents(first.directory) == contents(other.directory)
    written = (first.directory / "result.json").stat().st_ino
    assert archive_runs(found, tmp_path) == [ArchivedRun(tmp_path / "records" / directory.name, is_new=False)]
    assert (first.directory / "result.json").stat().st_ino == written


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("result.json", lambda text: text.replace('"seed": 1', '"seed": 3'), "with other result.json than"),
        ("generations.jsonl", lambda text: text.replace("Output test-00000", "Else"), "with other outputs than"),
    ],
)
def test_another_record_of_the_same_id_is_never_replaced(tmp_path: Path, name: str, change, said: str) -> None:  # type: ignore[no-untyped-def]
    (directory,) = runs(tmp_path, 1)
    (kept,) = archive_runs(load_records(tmp_path, ("runs",)).runs, tmp_path)
    before = contents(kept.directory)
    (directory / name).write_text(change((directory / name).read_text()))
    with pytest.raises(DamagedStateError, match=said):
        archive_runs(load_records(tmp_path, ("runs",)).runs, tmp_path)
    assert contents(kept.directory) == before


def test_other_counts_are_another_record(tmp_path: Path) -> None:
    (directory,) = runs(tmp_path, 1)
    archive_runs(load_records(tmp_path, ("runs",)).runs, tmp_path)
    counts = pd.read_parquet(directory / "stats.parquet")
    counts.loc[0, "BLEU.matches1"] += 1
    counts.to_parquet(directory / "stats.parquet")
    with pytest.raises(DamagedStateError, match="with other counts than"):
        archive_runs(load_records(tmp_path, ("runs",)).runs, tmp_path)


def test_a_damaged_record_is_never_replaced(tmp_path: Path) -> None:
    (directory,) = runs(tmp_path, 1)
    damaged = tmp_path / "records" / directory.name
    damaged.mkdir(parents=True)
    (damaged / "result.json").write_text("{")
    with pytest.raises(DamagedStateError, match="nothing was copied"):
        archive_runs(load_records(tmp_path, ("runs",)).runs, tmp_path)


def test_of_all_runs_the_others_are_copied_and_no_reason_says_otherwise(tmp_path: Path) -> None:
    changed, damaged, _ = runs(tmp_path, 1, 2, 3)
    found = load_records(tmp_path, ("runs",)).runs
    for directory, content in ((damaged, "{"), (changed, None)):
        target = tmp_path / "records" / directory.name
        target.mkdir(parents=True)
        text = (directory / "result.json").read_text().replace('"n_train": ', '"n_train": 1')
        (target / "result.json").write_text(content or text)
    left_out: list[SkippedRun] = []
    assert len(archive_runs(found, tmp_path, left_out=left_out)) == 1
    assert len(left_out) == 2
    assert all("this run was not copied. Move" in left.reason for left in left_out)


def test_nothing_is_kept_when_one_run_is_not_whole(tmp_path: Path) -> None:
    _, cut = runs(tmp_path, 1, 2)
    lines = (cut / "generations.jsonl").read_text().splitlines(keepends=True)
    (cut / "generations.jsonl").write_text("".join(lines[:-1]))
    with pytest.raises(DamagedStateError, match=r"5 outputs in generations\.jsonl, 6 scored"):
        archive_runs(load_records(tmp_path).runs, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_runs_are_chosen_by_the_beginnings_of_their_ids(tmp_path: Path) -> None:
    one, other = (directory.name.rpartition("-")[2] for directory in runs(tmp_path, 1, 2))
    assert [run.run_id for run in select_runs(tmp_path, [other[:6], one, other]).runs] == [other, one]
    assert {run.run_id for run in select_runs(tmp_path, ["all"]).runs} == {one, other}
    with pytest.raises(DataError, match=rf"2 runs begin like this: .*{one}"):
        select_runs(tmp_path, [""])


def test_why_a_run_cannot_be_kept_is_said(tmp_path: Path) -> None:
    (directory,) = runs(tmp_path, 1)
    (directory / "result.json").unlink()
    with pytest.raises(DataError, match=r"has this id: .* the run is not finished"):
        select_runs(tmp_path, [directory.name.rpartition("-")[2]])


@pytest.mark.parametrize("every", [True, False])
def test_of_a_diverged_run_its_settings_and_its_end_are_kept(tmp_path: Path, every: bool) -> None:
    runs(tmp_path, 1)
    directory = write_diverged(tmp_path, folder="runs")
    (directory / "run.log").write_text("not kept")
    selected = select_runs(tmp_path, ["all" if every else directory.name.rpartition("-")[2][:7]])
    assert (len(selected.runs), selected.skipped) == (int(every), ())
    into = tmp_path / "kept"
    assert archive_diverged(selected.diverged, into) == [ArchivedRun(into / "records" / directory.name, is_new=True)]
    (kept,) = (into / "records").iterdir()
    assert sorted(contents(kept)) == ["config.json", "failed.json"]
    assert load_records(into).diverged[0].training_key == selected.diverged[0].training_key
    assert archive_diverged(selected.diverged, into) == [ArchivedRun(kept, is_new=False)]
