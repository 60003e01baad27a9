"""A run of a tiny model is verified, whole and with every kind of damage; through the command `prefixrun verify`."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from checkout import ROOT
from prefixrun.cli.main import main
from prefixrun.data import SAMPLES
from prefixrun.results.records import load_records
from prefixrun.results.verify import verify
from small_run import SMALLEST
from synthetic_records import write_record

SMALL = (*SMALLEST, "train.max_steps=6", "train.lr=0.1", "test_size=5", "decode.max_new_tokens=12")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results tree with one finished run of the sample corpus."""
    torch.set_num_threads(1)
    tree = tmp_path_factory.mktemp("tree")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tree))  # no Java: it takes seconds to start
        assert main([*SMALL, f"results_dir={tree}"]) == 0
    return tree


@pytest.fixture
def run(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a copy of the run, below results/ of the working directory, without its manifest.

    With that, what was changed is known at once (tests/runs/test_tampering.py); here it is computed again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    shutil.copytree(finished, "results")
    (found,) = Path("results", "runs").iterdir()
    (found / "manifest.json").unlink()
    return found


def checks(run: Path, *words: str, code: int = 0) -> dict[str, set[tuple[str, str]]]:
    """What was looked at → how it ended, and what was said."""
    assert main(["verify", run.name[-12:], "json=checks.json", *words]) == code
    found: dict[str, set[tuple[str, str]]] = {}
    for check in json.loads(Path("checks.json").read_text())["checks"]:
        found.setdefault(check["what"], set()).add((check["outcome"], check["detail"]))
    return found


def wrong(run: Path, *words: str) -> dict[str, str]:
    found = checks(run, *words, code=5)
    return {what: detail for what, each in found.items() for outcome, detail in each if outcome == "wrong"}


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    value = json.loads(path.read_text())
    path.write_text(json.dumps(change(value) or value))


def test_a_whole_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = checks(run)
    assert {what for what, each in found.items() if any(outcome == "right" for outcome, _ in each)} == {
        *("config.json", "settings", "model", "trained file", "outputs", "inputs", "scores", "counts", "generation")
    }
    (not_checked,) = [detail for each in found.values() for outcome, detail in each if outcome == "not checked"]
    assert not_checked.startswith("METEOR: without a value in the run: METEOR needs Java 8 or newer")
    assert found["generation"] == {("right", "5 of 5 outputs are written again as they were")}
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "right        config.json: its identity gives the run id"
    assert lines[-1] == f"run {run.name[-12:]}: 9 right, 1 not checked"


def test_a_part_of_the_outputs_is_generated_again(run: Path) -> None:
    assert checks(run, "regenerate=2")["generation"] == {("right", "2 of 5 outputs are written again as they were")}
    assert "generation" not in checks(run, "regenerate=0")


def test_a_changed_configuration(run: Path) -> None:
    edit(run / "config.json", lambda config: config["identity"]["settings"].update(seed=5))
    assert wrong(run) == {"config.json": "it is the configuration of another run, or was changed"}


def test_a_changed_setting_in_the_result(run: Path) -> None:
    edit(run / "result.json", lambda result: result["settings"]["train"].update(lr=0.2))
    said = wrong(run)
    assert said.keys() == {"settings"}
    assert said["settings"].startswith("settings, data and model in result.json are those of run ")


@pytest.mark.parametrize(("field", "value"), [("seed", 99), ("method", "finetune"), ("prefix_len", None)])
def test_what_stands_at_the_top_is_what_the_settings_say(run: Path, field: str, value: object) -> None:
    edit(run / "result.json", lambda result: result.update({field: value}))
    assert f"{field} is {value!r}, its settings say" in wrong(run)["settings"]


def test_another_model(run: Path) -> None:
    edit(run / "result.json", lambda result: result["backbone"].update(sha256="f" * 64))
    said = wrong(run)
    assert said.keys() == {"settings", "model"}
    assert said["model"] == "SHA-256 random:tiny_ here, and the run was made with ffffffffffff"


def test_a_changed_score(run: Path) -> None:
    edit(run / "result.json", lambda result: result["scores"]["CIDEr"].update(value=1.25))
    edit(run / "result.json", lambda result: result["scores"]["chrF"].update(value=12.5))
    found = checks(run, code=5)
    said = sorted(detail for outcome, detail in found["scores"] if outcome == "wrong")
    assert [text.partition(" is stored, and the outputs give ")[0] for text in said] == ["CIDEr: 1.25", "chrF: 12.5"]
    assert {outcome for outcome, _ in found["counts"]} == {"wrong"}


def test_a_score_made_in_another_way_is_not_compared(run: Path) -> None:
    edit(run / "result.json", lambda result: result["scores"]["CIDEr"].update(value=1.25, signature="refs:1|other"))
    (detail,) = [detail for outcome, detail in checks(run)["scores"] if "other" in detail]
    assert detail.startswith("CIDEr: made as refs:1|other, here it would be refs:4|")


def test_a_changed_output(run: Path) -> None:
    path = run / "generations.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[2]["output"] = "A pub by the river."
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    said = wrong(run)
    assert said.keys() == {"scores", "generation"}
    assert said["generation"] == f"1 of 5 outputs differ: {lines[2]['id']}"


def test_a_changed_reference(run: Path) -> None:
    path = run / "generations.jsonl"
    path.write_text(path.read_text().replace('"references":["', '"references":["x', 1))
    first = json.loads(path.read_text().splitlines()[0])["id"]
    assert wrong(run, "regenerate=0")["inputs"] == f"{first}: input or references are not those of the corpus"


def test_a_missing_output(run: Path) -> None:
    path = run / "generations.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    found = checks(run, code=5)
    assert found["outputs"] == {("wrong", "4 for 5 inputs")}
    assert [what for what, each in found.items() if "wrong" in dict(each)] == ["outputs"]
    for what in ("scores", "counts", "generation"):
        assert {outcome for outcome, _ in found[what]} == {"not checked"}


def test_changed_counts(run: Path) -> None:
    counts = pd.read_parquet(run / "stats.parquet")
    slots = next(name for name in counts if name.startswith("SLOT_ERROR."))
    counts.loc[0, slots] += 1
    counts.to_parquet(run / "stats.parquet", index=False)
    said = wrong(run, "regenerate=0")
    assert said.keys() == {"counts"}
    assert said["counts"].startswith("SLOT_ERROR: ")


def test_counts_of_other_inputs(run: Path) -> None:
    counts = pd.read_parquet(run / "stats.parquet")
    counts["id"] = [f"other-{number}" for number in range(5)]
    counts.to_parquet(run / "stats.parquet", index=False)
    assert wrong(run) == {"outputs": "their ids are not those of stats.parquet"}


@pytest.mark.parametrize(
    ("name", "what", "said"),
    [
        ("config.json", "config.json", "damaged"),
        ("prefix.safetensors", "trained file", "damaged"),
        ("generations.jsonl", "outputs", "generations.jsonl:1: damaged"),
    ],
)
def test_damaged_files(run: Path, name: str, what: str, said: str) -> None:
    (run / name).write_bytes(b"{nothing\n")
    assert said in wrong(run)[what]


def test_counts_that_are_cut_off_are_said_at_once(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "stats.parquet").write_bytes(b"PAR1 and no more")
    assert main(["verify", run.name.rpartition("-")[2]]) != 0
    assert "stats.parquet is cut off" in capsys.readouterr().err


def test_counts_of_nothing(run: Path) -> None:
    pd.read_parquet(run / "stats.parquet")[["id"]].to_parquet(run / "stats.parquet", index=False)
    assert checks(run)["counts"] == {("not checked", "stats.parquet has no counts of any of the scores")}


def test_another_prefix_of_the_same_size(run: Path) -> None:
    tensors = load_file(run / "prefix.safetensors")
    save_file({name: tensor + 1.0 for name, tensor in tensors.items()}, run / "prefix.safetensors")
    assert "and the run wrote" in wrong(run)["trained file"]
    edit(run / "result.json", lambda result: result.pop("trained_file") and result)  # as versions before wrote it
    assert wrong(run).keys() == {"generation"}
    save_file({name: tensor[:, :, :, :1].contiguous() for name, tensor in tensors.items()}, run / "prefix.safetensors")
    assert wrong(run) == {"trained file": "128 numbers in prefix.safetensors, and the run stored 256"}


def test_a_prefix_that_should_be_there(run: Path) -> None:
    (run / "prefix.safetensors").unlink()
    assert wrong(run) == {"trained file": "prefix.safetensors is not there"}
    edit(run / "result.json", lambda result: result["settings"].update(keep_trained=False))
    assert checks(run)["trained file"] == {("not checked", "the run was made with keep_trained=false")}


def test_a_damaged_result_is_said_at_once(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "result.json").write_text("{")
    assert main(["verify", run.name[-12:]]) == 5
    assert "damaged" in capsys.readouterr().err


def committed(run: Path) -> Path:
    """The run as a committed record keeps it."""
    record = Path("results", "records", run.name)
    record.mkdir(parents=True)
    for name in ("result.json", "stats.parquet"):
        shutil.move(run / name, record / name)
    lines = [json.loads(line) for line in (run / "generations.jsonl").read_text().splitlines()]
    kept = "".join(json.dumps({"id": line["id"], "output": line["output"]}) + "\n" for line in lines)
    (record / "outputs.jsonl.gz").write_bytes(gzip.compress(kept.encode()))
    shutil.rmtree(run)
    return record


def test_a_committed_record_of_the_sample_corpus(run: Path) -> None:
    found = checks(committed(run))
    assert found["config.json"] == found["trained file"] == {("not checked", "a committed record keeps none")}
    for what in ("settings", "model", "outputs", "inputs", "counts"):
        assert {outcome for outcome, _ in found[what]} == {"right"}, what
    assert any(outcome == "right" and "BLEU, " in detail for outcome, detail in found["scores"])
    assert found["generation"] == {("not checked", "trained file: not checked")}


def test_a_record_of_a_real_corpus_needs_it(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(SAMPLES / "e2e", "corpora/e2e")
    assert main([*SMALL, "results_dir=results", "data_dir=corpora", "data.verify=off", "seed=7"]) == 0
    (real,) = [each for each in run.parent.iterdir() if each != run]
    record = committed(real)
    found = checks(record, "regenerate=0")
    assert {outcome for what in ("inputs", "scores") for outcome, _ in found[what]} == {"not checked"}
    assert {outcome for outcome, _ in found["counts"]} == {"right"}
    found = checks(record, "regenerate=0", "data_dir=corpora")
    assert found["inputs"] == {("right", "inputs and references are those of the corpus")}
    path = Path("corpora/e2e/testset_w_refs.csv")
    path.write_text(path.read_text(encoding="utf-8").replace("moderately", "modestly", 1), encoding="utf-8")
    ((outcome, detail),) = checks(record, "regenerate=0", "data_dir=corpora")["inputs"]
    assert (outcome, detail.startswith("The corpus in data_dir has other contents")) == ("not checked", True)


def test_settings_of_another_version_are_not_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = checks(write_record(Path("results")), "regenerate=0", code=0)
    ((outcome, detail),) = found["settings"]
    assert outcome == "not checked"
    assert "its settings cannot be read by this version" in detail
    assert found["counts"] == {("right", "stats.parquet gives the scores")}


def test_committed_records_are_what_they_say() -> None:
    """As far as it can be told without the corpora."""
    for record in load_records(ROOT / "results").runs:
        if record.directory.parent.name == "records":
            assert [check for check in verify(record, regenerate=0) if check.outcome == "wrong"] == []


def test_what_an_early_result_does_not_say_is_not_checked(tmp_path: Path) -> None:
    write_record(tmp_path, result={"backbone": {}, "data": {}})
    (record,) = load_records(tmp_path).runs
    outcomes = {check.what: check for check in verify(record, regenerate=0)}
    assert outcomes["settings"].outcome == outcomes["model"].outcome == "not checked"
    assert "does not say which weights" in outcomes["model"].detail
