"""Inputs, references and a score for each output of a run."""

import json
from pathlib import Path

from prefixrun.results.examples import NO_INPUTS, Problems, evenly, scores_by_example, texts_of
from prefixrun.results.records import load_records
from synthetic_records import write_record


def test_even_distances() -> None:
    assert evenly("abcdefghij", 4) == ["a", "c", "f", "h"]
    assert evenly("abc", 5) == ["a", "b", "c"]


def test_inputs_come_from_the_runs_generations(tmp_path: Path) -> None:
    write_record(tmp_path, folder="runs", inputs=2)
    problems: Problems = []
    texts, note = texts_of(load_records(tmp_path).runs, "e2e test", None, problems)
    assert texts["test-00001"].source == " name : Place test-00001 | food : French"
    assert texts["test-00001"].references == ("Reference of test-00001.", "Another one.")
    assert (note, problems) == ("", [])


def test_a_committed_record_has_no_inputs_without_a_corpus(tmp_path: Path) -> None:
    write_record(tmp_path, inputs=2)
    assert texts_of(load_records(tmp_path).runs, "e2e test", None, []) == ({}, NO_INPUTS)


def test_damaged_generations_are_a_problem_that_is_named(tmp_path: Path) -> None:
    directory = write_record(tmp_path, folder="runs", inputs=2)
    (directory / "generations.jsonl").write_text(json.dumps({"id": "test-00000"}) + "\n")
    problems: Problems = []
    texts, _ = texts_of(load_records(tmp_path).runs, "e2e test", None, problems)
    assert texts == {}
    ((what, why),) = problems
    assert what == f"inputs of {directory.name}"
    assert "generations.jsonl:1: source is None" in why


def test_each_output_has_a_score_of_the_first_measure_that_was_counted(tmp_path: Path) -> None:
    write_record(tmp_path, inputs=5)
    write_record(tmp_path, inputs=5, settings={"seed": 2}, with_stats=False)
    runs = dict(enumerate(load_records(tmp_path).runs))
    scores = scores_by_example(runs, ["test-00003", "none"], [])
    assert scores is not None
    assert (scores["name"], scores["less_is_better"]) == ("ROUGE_L", False)
    ((_, (known, unknown)),) = scores["values"].items()
    assert 0 <= known <= 100
    assert unknown is None


def test_without_counts_there_are_no_scores(tmp_path: Path) -> None:
    write_record(tmp_path, with_stats=False)
    assert scores_by_example({0: load_records(tmp_path).runs[0]}, ["test-00000"], []) is None
