"""prefixrun diff: what sets two finished runs apart, and what may not be compared."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from prefixrun.cli.main import main
from prefixrun.metrics import resampling
from prefixrun.results.lookup import find
from prefixrun.results.record import Record
from prefixrun.results.records import load_records
from synthetic_records import write_record


def write(**changes: Any) -> str:
    """The id of a new record."""
    return write_record(Path("results"), **changes).name[-12:]


def record(run: str) -> Record:
    return find(Path("results"), run)


def compared(first: str, second: str, *words: str) -> dict[str, Any]:
    """What the file for programs says."""
    assert main(["diff", first, second, "json=diff.json", *words]) == 0
    written: dict[str, Any] = json.loads(Path("diff.json").read_text())
    return written


def changes(written: dict[str, Any], part: str) -> dict[str, tuple[Any, Any]]:
    return {each["key"]: (each["first"], each["second"]) for each in written[part]}


def test_only_what_differs_is_listed() -> None:
    origin = {"semantics": 1, "packages": {"torch": "2.13.0"}, "cpu": "A", "threads": 1, "time": "2026-01-01"}
    other = {"semantics": 1, "packages": {"torch": "2.14.0"}, "cpu": "B", "threads": 2, "time": "2026-01-02"}
    first = write(settings={"train.lr": 1e-3}, result={"provenance": origin, "backbone": {"sha256": "1"}})
    second = write(settings={"train.lr": 5e-5}, result={"provenance": other, "backbone": {"sha256": "2"}})
    written = compared(first, second)
    assert (written["A"], written["B"]) == (first, second)
    assert changes(written, "settings") == {"train.lr": (1e-3, 5e-5)}
    assert changes(written, "contents") == {"model.sha256": ("1", "2")}
    assert changes(written, "environment") == {"provenance.packages.torch": ("2.13.0", "2.14.0")}
    assert changes(written, "costs") == {}


def test_scores_are_compared_over_the_inputs_with_the_paired_test(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = write(quality=0.3), write(quality=0.6, settings={"seed": 2})
    written = compared(first, second)
    counts = [record(run).stats() for run in (first, second)]
    assert counts[0] is not None
    assert counts[1] is not None
    expected = resampling.differences("e2e", counts[0].columns, counts[1].columns)
    (bleu,) = [each for each in written["scores"] if each["name"] == "BLEU"]
    assert bleu["first"] == record(first).value("BLEU")
    assert bleu["difference"]["value"] == expected["BLEU"].value > 10
    assert bleu["difference"]["p_value"] == expected["BLEU"].p_value == 1 / 1001
    assert bleu["difference"]["interval"]["low"] == expected["BLEU"].interval.low > 0
    assert written["shared"] == 60
    said = capsys.readouterr().out
    assert "scores: both on the same 60 inputs" in said
    assert "0.0010" in said
    assert "says nothing about seeds" in said


def test_runs_on_different_numbers_of_inputs_are_compared_where_they_meet(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = write(inputs=60), write(inputs=40, settings={"seed": 2})
    written = compared(first, second)
    counts = [record(run).stats() for run in (first, second)]
    assert counts[0] is not None
    assert counts[1] is not None
    part = {name: column[:40] for name, column in counts[0].columns.items()}
    expected = resampling.differences("e2e", part, counts[1].columns)
    found = {each["name"]: each["difference"]["value"] for each in written["scores"]}
    assert found == {name: one.value for name, one in expected.items()}
    assert "differences over the 40 inputs that both share (A has 60, B 40)" in capsys.readouterr().out


def test_groups_are_compared_apart() -> None:
    first, second = (write(settings={"task.name": "webnlg", "seed": seed}) for seed in (1, 2))
    names = [each["name"] for each in compared(first, second)["scores"] if each["difference"]]
    assert names == [f"{metric}/{group}" for metric in ("BLEU", "TER") for group in ("all", "seen", "unseen")]


def test_scores_with_different_signatures_are_not_compared(capsys: pytest.CaptureFixture[str]) -> None:
    first = write()
    scores = {**record(first).result["scores"], "BLEU": {"value": 50.0, "signature": "other:2", "reason": None}}
    written = compared(first, write(settings={"seed": 2}, result={"scores": scores}))
    by_name = {each["name"]: each for each in written["scores"]}
    assert by_name["BLEU"]["difference"] is None
    assert by_name["ROUGE_L"]["difference"] is not None
    assert "not compared: BLEU: different signatures: synthetic:1 and other:2" in capsys.readouterr().out


def test_runs_without_a_shared_input(capsys: pytest.CaptureFixture[str]) -> None:
    written = compared(write(settings={"seed": 2}), write(data_source="sample"))
    assert written["shared"] == 0
    assert written["examples"] is None
    assert {each["difference"] for each in written["scores"]} == {None}
    said = "e2e test (release) and e2e test (sample) are different inputs"
    assert f"scores: no input is shared: {said}" in capsys.readouterr().out


def test_the_outputs_that_changed_most_come_first(capsys: pytest.CaptureFixture[str]) -> None:
    first = write(folder="runs", inputs=8)
    second = write(folder="runs", inputs=8, settings={"method.name": "infix"})
    kept = pd.read_parquet(record(first).directory / "stats.parquet")
    kept.loc[[3, 5], "ROUGE_L.f"] += [0.1, -0.2]
    kept.to_parquet(record(second).directory / "stats.parquet", index=False)
    example = compared(first, second, "examples=2")["examples"]
    assert example["summary"] == "outputs: 8 of 8 differ, by the change of ROUGE_L"
    assert [each["id"] for each in example["changed"]] == ["test-00005", "test-00003"]
    changes = [each["second"] - each["first"] for each in example["changed"]]
    assert changes == pytest.approx([-20, 10], abs=2e-3)
    assert example["changed"][0]["outputs"] == ["Output test-00005 of prefix.", "Output test-00005 of infix."]
    assert example["changed"][0]["source"] == " name : Place test-00005 | food : French"
    said = capsys.readouterr().out
    assert "  A          Output test-00005 of prefix." in said
    assert "  reference  Reference of test-00005." in said


def test_equal_outputs_are_not_shown() -> None:
    first, second = write(), write(settings={"seed": 2})
    assert compared(first, second)["examples"]["summary"] == "outputs: 0 of 60 differ"
    assert compared(first, second, "examples=0")["examples"] is None


def test_inputs_that_a_committed_record_does_not_keep_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    compared(write(), write(settings={"method.name": "infix"}))
    assert "data_dir=DIR adds inputs and references" in capsys.readouterr().out


def test_a_directory_names_a_run_too() -> None:
    first, second = write(), write(settings={"seed": 2})
    directories = [str(each.directory) for each in load_records(Path("results")).runs]
    assert {compared(*directories)[side] for side in "AB"} == {first, second}


def test_damaged_counts_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = write(), write(settings={"seed": 2})
    path = record(second).directory / "stats.parquet"
    path.write_bytes(b"PAR1 and more PAR1")
    assert main(["diff", first, second]) == 5
    assert capsys.readouterr().err.startswith(f"prefixrun: {path}: ArrowInvalid")
