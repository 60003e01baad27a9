"""Which inputs and outputs the browser of examples has."""

import json
from pathlib import Path

import pytest

from prefixrun import data
from prefixrun.analysis.html.examples import collect
from prefixrun.results.examples import NO_INPUTS, OTHER_CORPUS, UNREADABLE, evenly
from prefixrun.results.record import Record
from prefixrun.results.records import load_records
from synthetic_records import write_record


def found(results: Path) -> tuple[Record, ...]:
    return load_records(results).runs


def sample_record(results: Path, *, inputs: int = 6, sha256: str | None = None) -> Path:
    """A committed record that was scored on the package's own sample corpus."""
    corpus = data.load("e2e", "test", None)
    files = [{"name": file.name, "records": file.records, "sha256": sha256 or file.sha256} for file in corpus.files]
    parts = {"test": {"version": "sample", "files": files}}
    return write_record(results, inputs=inputs, data_source="sample", result={"data": parts})


def test_equal_texts_are_kept_once(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_record(tmp_path, folder="runs", settings={"seed": seed}, inputs=5)
    (one,) = collect(found(tmp_path), None).sets
    assert len(one["texts"]) == len(set(one["texts"]))
    assert one["outputs"]["0"] == one["outputs"]["1"]
    assert one["shown"] == "Inputs: all 5. Runs with outputs: 2."


def test_a_committed_record_has_outputs_and_says_how_to_get_the_inputs(tmp_path: Path) -> None:
    write_record(tmp_path, inputs=4)
    examples = collect(found(tmp_path), None)
    (one,) = examples.sets
    assert (one["inputs"], one["references"], one["note"]) == (None, None, NO_INPUTS)
    assert one["texts"][one["outputs"]["0"][2]] == "Output test-00002 of prefix."
    assert examples.problems == ()


def test_a_run_of_this_machine_lends_its_inputs_to_committed_records(tmp_path: Path) -> None:
    write_record(tmp_path, settings={"seed": 1}, inputs=4)
    write_record(tmp_path, folder="runs", settings={"seed": 2}, inputs=4)
    (one,) = collect(found(tmp_path), None).sets
    assert len(one["outputs"]) == 2
    assert one["texts"][one["inputs"][3]] == " name : Place test-00003 | food : French"


def test_the_sample_corpus_is_at_hand(tmp_path: Path) -> None:
    sample_record(tmp_path)
    (one,) = collect(found(tmp_path), None).sets
    corpus = data.load("e2e", "test", None)
    assert one["texts"][one["inputs"][2]] == corpus.examples[2].source
    assert [one["texts"][position] for position in one["references"][2]] == list(corpus.examples[2].references)


def test_another_corpus_than_the_one_that_was_scored_is_not_shown(tmp_path: Path) -> None:
    sample_record(tmp_path, sha256="f" * 64)
    examples = collect(found(tmp_path), None)
    assert examples.sets[0]["inputs"] is None
    assert [reason for _, reason in examples.problems] == [OTHER_CORPUS]


def test_a_corpus_that_is_not_in_data_dir_is_named(tmp_path: Path) -> None:
    write_record(tmp_path, inputs=3)
    examples = collect(found(tmp_path), tmp_path)
    assert examples.sets[0]["note"] == UNREADABLE
    assert [what for what, _ in examples.problems] == ["inputs of e2e-test-release"]


def test_parts_of_the_corpus_lack_the_outputs_of_other_inputs(tmp_path: Path) -> None:
    write_record(tmp_path, settings={"seed": 1}, inputs=5)
    write_record(tmp_path, settings={"seed": 2, "test_size": 2}, inputs=2)
    (one,) = collect(found(tmp_path), None).sets
    missing = sorted(outputs.count(None) for outputs in one["outputs"].values())
    assert (len(one["ids"]), missing) == (5, [0, 3])


def test_many_outputs_are_thinned_evenly(tmp_path: Path) -> None:
    for seed in range(3):
        write_record(tmp_path, settings={"seed": seed}, inputs=60)
    (one,) = collect(found(tmp_path), None, most_characters=2500).sets
    assert one["ids"] == evenly([f"test-{i:05d}" for i in range(60)], len(one["ids"]))
    assert 20 <= len(one["ids"]) < 60
    assert one["shown"].startswith(f"Inputs: {len(one['ids'])} of 60, at even distances.")


def test_the_first_choice_is_the_papers_method_beside_the_most_alike_of_another(tmp_path: Path) -> None:
    for method, seed in (("finetune", 1), ("finetune", 2), ("prefix", 2), ("prefix", 3)):
        write_record(tmp_path, settings={"method.name": method, "seed": seed}, inputs=3)
    records = found(tmp_path)
    (one,) = collect(records, None).sets
    first, second = (records[position] for position in one["start"])
    assert first.method == "prefix"
    alike = {2: 2, 3: second.seed}[first.seed]
    assert (second.method, second.seed) == ("finetune", alike)


def test_a_run_alone_is_the_first_choice(tmp_path: Path) -> None:
    write_record(tmp_path, inputs=2)
    assert collect(found(tmp_path), None).sets[0]["start"] == [0]


def test_a_score_of_each_output_is_made_from_the_counts(tmp_path: Path) -> None:
    write_record(tmp_path, settings={"seed": 1}, inputs=4)
    write_record(tmp_path, settings={"seed": 2}, inputs=4, with_stats=False)
    records = found(tmp_path)
    (one,) = collect(records, None).sets
    assert one["per_example"]["name"] == "ROUGE_L"
    ((position, values),) = one["per_example"]["values"].items()
    counts = records[int(position)].stats()
    assert counts is not None
    assert values == pytest.approx(100 * counts.columns["ROUGE_L.f"], abs=1e-3)


def test_damaged_generations_are_named(tmp_path: Path) -> None:
    directory = write_record(tmp_path, folder="runs", inputs=2)
    lines = [{"id": f"test-0000{i}", "output": "x"} for i in range(2)]
    (directory / "generations.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    examples = collect(found(tmp_path), None)
    assert examples.sets == ()
    assert "source" in examples.problems[0][1]
