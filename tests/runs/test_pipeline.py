"""Whole runs on tiny models and the sample corpus: what they leave, and that neither stops nor settings of no account
change it."""

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import prefixrun
from prefixrun import data, files
from prefixrun.cli import run_command
from prefixrun.cli.main import main
from prefixrun.config.schema import Config
from prefixrun.data.run_data import RunData
from prefixrun.data.subset import choose_examples
from prefixrun.decoding.generate import generate
from prefixrun.errors import ConfigError, DamagedStateError, DivergedError, Interrupted, PrefixrunError
from prefixrun.methods import init
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.results.lookup import config_of, find
from prefixrun.runs import pipeline, stages
from prefixrun.runs.configure import compose
from prefixrun.runs.identity import find_run, identity
from prefixrun.runs.prepare import load_backbone
from prefixrun.runs.result_schema import validate_result
from prefixrun.runs.run import Run, run_id
from prefixrun.training.progress import Progress
from prefixrun.training.trainer import Trainer
from small_run import SMALL as SMALL_RUN

SMALL = [*SMALL_RUN, "train.checkpoint_every=1", "decode.batch_size=1"]


pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.fixture(params=["tiny_gpt2", "tiny_llama"])
def model(request: pytest.FixtureRequest) -> str:
    return f"model={request.param}"


@cache
def composed(changes: tuple[str, ...]) -> Config:
    return compose([*SMALL, *changes])


def go(results: Path | str, *changes: str) -> Path:
    """Do a run; its directory."""
    assert run_command.run(replace(composed(changes), results_dir=str(results))) == 0
    return the_run(results, *changes).directory


def the_run(results: Path | str, *changes: str) -> Run:
    config = composed(changes)
    return find_run(replace(config, results_dir=str(results)))


def result_of(run: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((run / "result.json").read_text())
    return result


def outcome(run: Path) -> dict[str, object]:
    """What may not depend on how often a run was stopped."""
    result = result_of(run)
    return {
        "prefix": (run / "prefix.safetensors").read_bytes(),
        "generations": (run / "generations.jsonl").read_bytes(),
        "stats": (run / "stats.parquet").read_bytes(),
        "scores": result["scores"],
        "training": result["training"],
        "tokens": result["costs"]["train_tokens"],
    }


def test_inputs_that_were_cut_are_counted_in_the_result_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    result = result_of(go("results", "model=tiny_llama", "task.max_source_tokens=60"))
    examples = choose_examples(data.load("e2e", "test", None).examples, 3)
    cut = sum(len(f" {example.source}".encode()) > 60 for example in examples)
    assert cut > 0
    assert result["truncated"]["scored"] == cut
    assert result["truncated"].keys() == {"train", "dev", "scored"}
    said = capsys.readouterr().out
    assert "inputs cut to 60 tokens (task.max_source_tokens): train " in said
    assert f"scored {cut} of 3" in said
    assert result_of(go("results", "model=tiny_llama"))["truncated"] == {"train": 0, "dev": 0, "scored": 0}
    assert "inputs cut" not in capsys.readouterr().out


def test_the_low_data_protocol_of_the_authors(capsys: pytest.CaptureFixture[str]) -> None:
    """Scored on the development inputs, early stopping looks at 30 % of the size from elsewhere, ids are stored."""
    run = go("results", "model=tiny_llama", "eval_split=dev", "train.dev_share=0.5", "subsample_seed=3")
    result = result_of(run)
    assert (result["split"], result["n_train"], result["n_dev"], result["n_inputs"]) == ("dev", 8, 4, 3)
    stored = json.loads((run / "subset.json").read_text())
    assert [stored[part]["corpus"] for part in ("train", "dev")] == ["train", "train"]
    assert len({*stored["train"]["ids"], *stored["dev"]["ids"]}) == 12
    assert {json.loads(line)["id"] for line in (run / "generations.jsonl").read_text().splitlines()} == {
        example.id for example in choose_examples(data.load("e2e", "dev", None).examples, 3)
    }
    assert "3 dev inputs" in capsys.readouterr().out


def test_a_run_that_would_go_on_with_other_pairs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stored ids are what it began with."""
    run = the_run("results", "model=tiny_llama")
    stop_training_after(1, monkeypatch)
    stored = json.loads(run.subset.read_text())
    stored["train"]["ids"][0] = "train-00000#7"
    run.subset.write_text(json.dumps(stored))
    with pytest.raises(DamagedStateError, match=r"subset\.json: has changed since it was written"):
        go("results", "model=tiny_llama")


RECIPES = {
    "prefix": "quick: this program's own, for the sample corpus",
    "prefix_flat": "method/quick_prefix_flat: this program's own, from three rates on the sample corpus",
}


@pytest.mark.parametrize("method", RECIPES)
def test_a_whole_run(model: str, method: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = go("results", model, f"method={method}")
    result = result_of(run)
    assert validate_result(result) == []
    assert (result["n_train"], result["n_train_available"], result["n_inputs"]) == (8, 320, 3)
    assert (result["model"], result["method"], result["prefix_len"]) == (model.removeprefix("model="), method, 4)
    assert {"BLEU", "NIST", "METEOR", "ROUGE_L", "CIDEr"} <= set(result["scores"])
    assert all(score["signature"] for score in result["scores"].values())
    meteor = result["scores"]["METEOR"]
    assert meteor["value"] is None
    assert "no `java` on the PATH" in meteor["reason"]
    assert [entry["step"] for entry in result["training"]["history"]] == [2, 4]
    assert all(entry.keys() == {"step", "train_loss", "dev_loss"} for entry in result["training"]["history"])
    assert (result["training"]["fit_error"] == 0) == (method == "prefix_flat")
    assert result["costs"]["train_steps"] == 4
    assert result["costs"]["decode_seconds"] > 0

    examples = choose_examples(data.load("e2e", "test", None).examples, 3)
    records = [json.loads(line) for line in (run / "generations.jsonl").read_text().splitlines()]
    assert {record["id"]: record["references"] for record in records} == {
        example.id: list(example.references) for example in examples
    }
    assert list(pd.read_parquet(run / "stats.parquet")["id"]) == [example.id for example in examples]
    assert sorted(path.name for path in run.iterdir() if path.name != ".lock") == [
        "checkpoints",
        "config.json",
        "costs.json",
        "generations.jsonl",
        "manifest.json",
        "prefix.safetensors",
        "result.json",
        "run.log",
        "stats.parquet",
        "subset.json",
    ]
    assert list((run / "checkpoints").iterdir()) == []
    said = capsys.readouterr().out
    assert said.startswith(
        f"profile quick · {model.replace('=', ' ')} · data the sample corpus · device cpu\n"
        f"recipe {RECIPES[method]} · learning rate {result['settings']['train']['lr']:g}, warm-up of 0 steps\n"
    )
    assert "step 4: train loss" in (run / "run.log").read_text()
    assert "the model has random weights" in said


def test_a_budget_is_the_run_of_the_size_that_it_came_to(capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for word in SMALL if not word.startswith("prefix_len")]
    asked, typed = (compose([*words, "model=tiny_gpt2", size]) for size in ("budget=1%", "prefix_len=5"))
    assert run_command.run(asked) == 0
    said = capsys.readouterr().out
    assert "\nbudget 1%: prefix_len=5 stores 640 numbers, 0.96 % of the model's 66," in said
    result = result_of(find_run(asked).directory)
    assert (result["prefix_len"], result["settings"]["prefix_len"], result["settings"]["budget"]) == (5, 5, "1%")
    assert result["parameters"]["stored"] == 640
    assert run_command.run(typed) == 0
    assert f"run {result['run_id']} was finished on" in capsys.readouterr().out
    reopened = config_of(find(Path("results"), result["run_id"]))
    assert (reopened.prefix_len, reopened.budget) == (5, "1%")


def test_words_of_another_length_than_the_budgets_are_refused() -> None:
    words = [word for word in SMALL if not word.startswith("prefix_len")]
    config = compose([*words, "model=tiny_gpt2", "budget=1%", "init_words=keep this"])
    message = (
        "10 tokens for this model, but budget=1% chooses prefix_len=5; give prefix_len=10 in its place or other words"
    )
    with pytest.raises(ConfigError, match=message):
        run_command.run(config)


def test_two_spellings_of_the_same_settings_are_one_run() -> None:
    bundle = composed(("model=tiny_gpt2", "variant=code"))
    typed = composed(
        (
            *("model=tiny_gpt2", "init=random", "scoring=paper", "train.loss_mode=sentence_sum"),
            *("train.targets_per_row=1", "decode.ban_newlines=true"),
        )
    )
    assert (bundle.variant, typed.variant) == ("code", None)
    assert find_run(bundle).id == find_run(typed).id
    assert find_run(bundle).id != find_run(composed(("model=tiny_gpt2", "variant=paper"))).id


LOUD = ("method=prefix_flat", "train.lr=0.1", "train.max_steps=12", "train_size=24", "decode.max_new_tokens=12")
"""A prefix that has gone far enough for outputs to differ between inputs, so that equal ones say something."""


def test_the_stored_prefix_is_what_wrote_the_outputs(model: str) -> None:
    run = go("results", model, *LOUD)
    config = composed((model, *LOUD))
    backbone = load_backbone(config)
    flat = load_file(run / "prefix.safetensors")["decoder"]
    shape = backbone.shape
    assert flat.shape == (shape.layers, 2, shape.kv_heads, 4, shape.head_dim)
    assert flat.numel() == result_of(run)["parameters"]["stored"]
    records = [json.loads(line) for line in (run / "generations.jsonl").read_text().splitlines()]
    prompts = [backbone.tokenizer.source(record["source"]) for record in records]

    def outputs(prefix: torch.Tensor) -> list[str]:
        return [
            backbone.tokenizer.output(ids)
            for ids in generate(backbone, FixedPrefix({"decoder": prefix}), prompts, config.decode)
        ]

    assert outputs(flat) == [record["output"] for record in records]
    assert outputs(torch.zeros_like(flat)) != outputs(flat)


def test_no_path_of_this_machine_is_kept(tmp_path: Path) -> None:
    run = go(tmp_path / "some" / "results", "model=tiny_llama")
    for name in ("result.json", "config.json", "generations.jsonl", "costs.json"):
        assert str(tmp_path) not in (run / name).read_text()
        assert str(Path.home()) not in (run / name).read_text()


def contents(root: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in root.rglob("*") if path.is_file()}


def test_a_finished_run_is_shown_and_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = go("results", "model=tiny_llama")
    first = capsys.readouterr().out
    before = contents(Path("results"))
    monkeypatch.setattr(pipeline, "complete", None)  # nothing that computes is called
    go("results", "model=tiny_llama", "decode.batch_size=7", "train.checkpoint_every=3")
    again = capsys.readouterr().out
    assert contents(Path("results")) == before
    assert f"run {result_of(run)['run_id']} was finished on" in again
    table = first[first.index("this run:") :]
    assert table in again


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ("results_dir=elsewhere", True),
        ("threads=2", True),
        ("device=cpu", True),
        ("decode.batch_size=16", True),
        ("train.checkpoint_every=50", True),
        ("train.gradient_checkpointing=true", True),
        ("seed=102", False),
        ("subsample_seed=1", False),
        ("prefix_len=5", False),
        ("init=random", False),
        ("train.lr=0.1", False),
        ("train.targets_per_row=1", False),
        ("decode.beams=4", False),
        ("decode=greedy", False),
        ("test_size=2", False),
        ("train_size=9", False),
        ("precision=bf16", False),
        ("model=tiny_llama", False),
        ("task.linearisation=plain", False),
    ],
)
def test_what_makes_it_another_run(change: str, same: bool) -> None:
    def id_of(*changes: str) -> str:
        config = composed(("model=tiny_gpt2", *changes))
        return run_id(identity(config, RunData.load(config)))

    assert (id_of(change) == id_of()) is same


def test_the_place_of_the_data_is_of_no_account_and_its_content_is(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        shutil.copytree(data.SAMPLES / "e2e", tmp_path / name / "e2e")
    ids = []
    path = tmp_path / "three" / "e2e" / "testset_w_refs.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("moderately", "modestly", 1), encoding="utf-8")
    for name in ("one", "two", "three"):
        ids.append(the_run("results", "model=tiny_llama", "data.verify=off", f"data_dir={tmp_path / name}").id)
    assert ids[0] == ids[1]
    assert ids[0] != ids[2]
    run = go("results", "model=tiny_llama", "data.verify=off", f"data_dir={tmp_path / 'one'}")
    assert str(tmp_path) not in (run / "result.json").read_text()


def test_outputs_do_not_depend_on_the_batch(model: str) -> None:
    runs = [go(f"results-{size}", model, *LOUD, f"decode.batch_size={size}", "test_size=7") for size in (1, 3, 7)]
    generations = [(run / "generations.jsonl").read_text() for run in runs]
    assert generations[0] == generations[1] == generations[2]
    assert len({json.loads(line)["output"] for line in generations[0].splitlines()}) > 1


class Stopped(BaseException):
    """A kill, as far as the program can tell."""


@pytest.mark.parametrize("decode", ["sample", "beam5_modern"])
def test_several_outputs_of_an_input_are_kept_and_the_first_is_scored(model: str, decode: str) -> None:
    changes = (model, f"decode={decode}", "decode.outputs=3")
    several = go("several", *changes)
    first = go("one", model, f"decode={decode}")
    lines = [json.loads(line) for line in (several / "generations.jsonl").read_text().splitlines()]
    assert all(line["outputs"][0] == line["output"] and len(line["outputs"]) == 3 for line in lines)
    assert result_of(several)["scores"] == result_of(first)["scores"]
    assert result_of(several)["run_id"] != result_of(first)["run_id"]
    bytes_of_run = (several / "generations.jsonl").read_bytes()
    stopped = go("again", *changes, "decode.batch_size=3")
    assert {*bytes_of_run.splitlines()} == {*(stopped / "generations.jsonl").read_bytes().splitlines()}


@pytest.fixture
def stop_at_write(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Let the n-th write from now on be the last thing that happens, before its data are on the disk."""
    to_disk = files._to_disk
    left = [0]

    def counting(stream: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Stopped
        to_disk(stream)

    monkeypatch.setattr(files, "_to_disk", counting)
    return lambda number: left.__setitem__(0, number)


def test_a_stop_at_any_write_changes_nothing(stop_at_write: Callable[[int], None]) -> None:
    changes = ("model=tiny_llama", "train.max_steps=2", "test_size=2")
    expected = outcome(go("whole", *changes))
    stops = 0
    while True:
        stop_at_write(stops + 1)
        try:
            go(f"cut-{stops}", *changes)
            break
        except Stopped:
            stop_at_write(0)
        assert the_run(f"cut-{stops}", *changes).state() in ("new", "interrupted")
        run = go(f"cut-{stops}", *changes)
        assert outcome(run) == expected, f"stopped at write {stops + 1}"
        assert list((run / "checkpoints").iterdir()) == []
        stops += 1
    assert stops >= 12, "configuration, two checkpoints and their index, costs, prefix, outputs, counts, result"


def stop_training_after(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def report(shown: object, before: Progress, progress: Progress, steps: int, loss: float) -> None:
        if progress.step == step:
            raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(stages, "_report", report)
        with pytest.raises(Stopped):
            go("results", "model=tiny_llama")


def test_a_failed_run_says_why_and_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start of no numbers, which no learning rate has made."""
    changes = ("model=tiny_llama", "method=prefix_flat")
    run = the_run("results", *changes)
    activations = init.activations
    with monkeypatch.context() as patch:
        patch.setattr(init, "activations", lambda *given: activations(*given) * torch.nan)
        for _ in range(2):
            with pytest.raises(PrefixrunError, match=r"step 1: the loss is not a number, before anything was trained"):
                go("results", *changes)
            assert run.state() == "failed"
            failure = run.failure()
            assert failure is not None
            assert "the loss is not a number" in failure["message"]
            assert not run.trained_file.exists()
    go("results", *changes)
    assert (run.state(), run.failure()) == ("finished", None)


DIVERGING = (
    "model=tiny_llama",
    "method=prefix_flat",
    "train.max_steps=6",
    "train.eval_every=1",
    "train.diverged_steps=2",
    "train.lr=0.03",
    "train.epochs=9",
)


def test_a_run_that_diverges_keeps_its_best_state_and_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    backward, steps = Trainer._backward, []

    def rising(self: Trainer, *arguments: Any) -> tuple[list[Tensor], list[float]]:
        steps.append(self.progress.step)
        losses, weights = backward(self, *arguments)
        return [loss * (1 if self.progress.step < 2 else 5) for loss in losses], weights

    monkeypatch.setattr(Trainer, "_backward", rising)
    run = the_run("results", *DIVERGING)
    words = [*SMALL, *DIVERGING, "results_dir=results"]
    assert main(words) == 6
    message = capsys.readouterr().err
    assert "step 3: the training loss is " in message
    assert "try train.lr=0.01 (now 0.03)" in message
    assert "best.safetensors" in message
    assert steps == [0, 1, 2]
    assert run.state() == "diverged"
    assert not any((run.trained_file.exists(), run.result_json.exists(), list(run.checkpoints.glob("step*"))))
    best = load_file(run.best_state)
    assert all(tensor.isfinite().all() for tensor in best.values())
    details = (run.failure() or {})["diverged"]
    assert [entry["step"] for entry in details["history"]] == [1, 2, 3]
    assert run.manifest.read(run.best_state.name) is not None

    assert main(words) == 6
    assert f"run {run.id} diverged before and was not tried again: step 3: " in capsys.readouterr().err
    with pytest.raises(DivergedError, match="diverged before"):
        prefixrun.run(words)
    assert steps == [0, 1, 2]

    assert main([*words, "train.diverged_factor=null"]) == 0
    assert run.state() == "finished"
    assert not run.best_state.exists()
    assert steps == [0, 1, 2, 0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(("stage", "lines"), [("training", 0), ("decoding", 1)])
def test_a_signal_that_its_handler_survives_leaves_the_run_interrupted(
    stage: str, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs that use the package may handle SIGTERM without ending."""
    changes = ("model=tiny_llama", "decode.batch_size=1")
    module, name = {"training": (stages, "_report"), "decoding": (pipeline, "generation_line")}[stage]
    original, handler = getattr(module, name), signal.signal(signal.SIGTERM, lambda *_: None)

    def signalled(*arguments: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return original(*arguments)

    try:
        with monkeypatch.context() as patch:
            patch.setattr(module, name, signalled)
            with pytest.raises(Interrupted):
                go("results", *changes)
    finally:
        signal.signal(signal.SIGTERM, handler)
    run = the_run("results", *changes)
    assert run.state() == "interrupted"
    assert len(run.generations.read_text().splitlines() if run.generations.exists() else ()) == lines
    assert outcome(go("results", *changes)) == outcome(go("whole", *changes))


@pytest.mark.parametrize("dev", [4, 0])
def test_a_state_that_gives_no_numbers_is_a_failure_with_advice(dev: int) -> None:
    """The last step's, whose loss no later step would meet; without development pairs too."""
    words = (
        "model=tiny_gpt2",
        "method=prefix_flat",
        "train.lr=1e30",
        "train.max_steps=1",
        f"train.eval_examples={dev}",
    )
    with pytest.raises(DivergedError, match=r"step 1: the loss is not a number; .* try train\.lr=3e\+29"):
        go("results", *words)
    assert not the_run("results", *words).trained_file.exists()


@pytest.mark.parametrize("method", ["prefix", "prompt"])
def test_a_chat_is_trained_decoded_used_and_verified(method: str, capsys: pytest.CaptureFixture[str]) -> None:
    changes = ["model=tiny_llama", "model.layout=chat", "task.max_source_tokens=60"]
    if method == "prompt":
        arguments = ["method=prompt", "train_size=8", "test_size=3", "decode.max_new_tokens=6", "threads=1"]
        assert main([*arguments, "train.warmup_steps=0", *changes]) == 0
        (run,) = Path("results", "runs").iterdir()
    else:
        run = go("results", *changes)
    result = result_of(run)
    assert result["truncated"]["scored"] > 0
    written = [json.loads(line) for line in (run / "generations.jsonl").read_text().splitlines()]
    assert not any("<|end|>" in each["output"] for each in written)
    capsys.readouterr()
    assert main(["generate", f"run={result['run_id']}", f"text={written[0]['source']}"]) == 0
    assert capsys.readouterr().out.strip() == f"{result['run_id']}  {written[0]['output']}"
    assert main(["verify", result["run_id"]]) == 0
    assert prefixrun.load(result["run_id"]).generate([written[0]["source"]]) == [written[0]["output"]]
