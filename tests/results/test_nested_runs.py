"""A run with nested training: the losses that it keeps, and its prefix used and exported shorter."""

from dataclasses import replace
from pathlib import Path

import pytest

from prefixrun.cli.main import main
from prefixrun.errors import ConfigError
from prefixrun.methods.prefix import Prefix
from prefixrun.results.export import export
from prefixrun.results.inference import Predictor, from_prefix, from_runs, outputs
from prefixrun.results.lookup import OpenedRun, find, open_run
from prefixrun.results.nested_runs import shortened_run
from prefixrun.results.records import load_records
from prefixrun.runs.result_schema import validate_result
from small_run import SMALL

SOURCE = "name : Aromi | Type : pub"
WORDS = [word for word in SMALL if "mid_dim" not in word]


def opened(*words: str) -> OpenedRun:
    assert main([*WORDS, "model=tiny_gpt2", "decode=greedy", "train.lr=0.3", *words]) == 0
    (record,) = load_records(Path("results")).runs
    return open_run(find(Path("results"), record.run_id))


@pytest.mark.parametrize("method", ["prefix_flat", "prefix_gated"])
def test_it_is_used_and_exported_with_its_first_positions(
    method: str, elsewhere: None, capsys: pytest.CaptureFixture[str]
) -> None:
    run = opened(f"method={method}", "method.nested=true")
    losses = run.record.result["training"]["lengths"]
    assert [entry["prefix_len"] for entry in losses] == [1, 2, 4]
    assert losses[-1]["dev_loss"] == pytest.approx(run.record.result["training"]["history"][-1]["dev_loss"], rel=1e-6)
    shorter = shortened_run(run, "2")
    assert isinstance(shorter.method, Prefix)
    assert (shorter.config.prefix_len, shorter.method.prefix_len) == (2, 2)
    used = from_runs(Path("results"), [run.record.run_id], prefix_len="2")
    capsys.readouterr()
    assert main(["export", f"run={run.record.run_id}", "out=exported", "prefix_len=2"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "prefix of length 2 for tiny_gpt2" in printed
    assert "prefixrun generate prefix=exported model=tiny_gpt2" in printed
    here = [Predictor("here", shorter.backbone, shorter.method, used[0].decode)]
    assert outputs(used, [SOURCE]) == outputs(here, [SOURCE])
    (back,) = from_prefix(Path("exported"), ["model=tiny_gpt2"])
    assert outputs([replace(back, decode=used[0].decode)], [SOURCE]) == outputs(here, [SOURCE])
    export(shorter, "hub", Path("hub"))
    stored = sum(tensor.numel() for tensor in shorter.method.trained_tensors().values())
    whole = sum(tensor.numel() for tensor in run.method.trained_tensors().values())
    card = Path("hub/README.md").read_text(encoding="utf-8")
    assert stored < whole
    assert f"Exported are its first 2 of 4 positions, {stored:,} numbers. The scores below" in card
    export(run, "hub", Path("hub_whole"))
    assert "Exported are" not in Path("hub_whole/README.md").read_text(encoding="utf-8")
    best = min(losses, key=lambda entry: entry["dev_loss"])
    automatic = shortened_run(run, "auto").config.prefix_len
    assert automatic <= best["prefix_len"]
    assert next(each["dev_loss"] for each in losses if each["prefix_len"] == automatic) <= best["dev_loss"] + 0.01
    for text, reason in (("5", "has lengths from 1 to 4"), ("0", "from 1 to 4"), ("two", "from 1 to 4")):
        with pytest.raises(ConfigError, match=f"^prefix_len={text}: run {run.record.run_id} {reason}|{reason}"):
            shortened_run(run, text)
    damaged = {**run.record.result, "training": {"lengths": [{"prefix_len": "a", "dev_loss": 1}]}}
    assert any("training.lengths has" in problem for problem in validate_result(damaged))


def test_a_run_without_nested_training_is_not_cut(elsewhere: None) -> None:
    with pytest.raises(ConfigError, match=r"was trained without method\.nested=true, so its first positions alone are"):
        shortened_run(opened("method=prefix_flat"), "2")


def test_without_development_losses_there_is_nothing_to_choose_by(elsewhere: None) -> None:
    run = opened("method=prefix_flat", "method.nested=true", "train.eval_examples=0")
    with pytest.raises(ConfigError, match=r"^prefix_len=auto: run \w+ has no development losses"):
        shortened_run(run, "auto")
