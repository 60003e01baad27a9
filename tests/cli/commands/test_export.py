"""prefixrun export: what a run has trained, in the forms that come back."""

import shutil
from pathlib import Path

import pytest
import torch

from prefixrun.cli.main import main
from prefixrun.methods.peft_format import read_prefix
from prefixrun.models.transformers_names import CACHE
from prefixrun.results.inference import Predictor, from_prefix, outputs
from prefixrun.results.lookup import find, open_run
from prefixrun.results.records import load_records
from small_run import SMALL

LOST = pytest.mark.skipif(CACHE == "cache", reason="PEFT loses prefixes with this transformers: the export is refused")


@pytest.mark.parametrize("kind", ["tensors", pytest.param("peft", marks=LOST)])
def test_an_exported_prefix_comes_back(finished: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    (record,) = load_records(finished).runs
    assert main(["export", f"run={record.run_id}", "out=exported", f"format={kind}", f"results_dir={finished}"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"exported: prefix of length 4 for tiny_gpt2, from run {record.run_id}")
    assert {"tensors": ".attach(model)", "peft": "PeftModel.from_pretrained(model, 'exported')"}[kind] in printed
    assert outputs(from_prefix(Path("exported"), ["model=tiny_gpt2"], "greedy"), ["name : Aromi | Type : pub"])
    opened = open_run(find(finished, record.run_id))
    back = read_prefix(Path("exported"), opened.backbone)
    assert torch.equal(back["decoder"], opened.method.key_values(opened.backbone)["decoder"])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("method=prefix_gated", "method.layers=1"), "method=prefix_gated adds to the output of attention"),
        (("method=prefix_plus",), "method=prefix_plus adds to the output of attention"),
        (
            ("method=prefix_plus", "model=tiny_llama", "method.query=unrotated"),
            "method=prefix_plus adds to the output of attention",
        ),
        (
            ("method=prefix_flat", "method.layers=0-0"),
            "a cache has keys at every layer, and method.layers=0-0",
        ),
        (("method=prefix_plus", "model=tiny_bart", "method.sites=cross"), "method=prefix_plus adds"),
    ],
)
def test_what_stands_in_no_cache_comes_back_as_tensors_alone(
    words: tuple[str, ...], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    small = [word for word in SMALL if "mid_dim" not in word]
    assert main([*small, "model=tiny_gpt2", "train.lr=0.3", "decode=greedy", *words]) == 0
    (record,) = load_records(Path("results")).runs
    capsys.readouterr()
    for kind in ("peft", "cache"):
        assert main(["export", f"run={record.run_id}", "out=exported", f"format={kind}"]) == 2
        assert f"format={kind}: {reason}" in " ".join(capsys.readouterr().err.split())
    assert main(["export", f"run={record.run_id}", "out=exported"]) == 0
    assert "of length 4" in capsys.readouterr().out
    (served,) = from_prefix(Path("exported"), [f"model={record.model}"], "greedy")
    opened = open_run(find(Path("results"), record.run_id))
    stored = opened.method.trained_tensors()
    assert served.method.trained_tensors().keys() == stored.keys()
    assert all(torch.equal(tensor, stored[name]) for name, tensor in served.method.trained_tensors().items())
    ours = Predictor(record.run_id, opened.backbone, opened.method, served.decode)
    inputs = ["name : Aromi", "a"]
    assert outputs([served], inputs) == outputs([ours], inputs)
    assert getattr(served.method, "unrotated", False) == ("method.query=unrotated" in words)


def test_what_a_method_without_a_prefix_leaves(capsys: pytest.CaptureFixture[str]) -> None:
    small = ("train_size=4", "train.max_steps=1", "train.warmup_steps=0", "test_size=1", "decode.max_new_tokens=2")
    assert main(["model=tiny_llama", "method=lora", "method.rank=1", "decode=greedy", *small]) == 0
    (record,) = load_records(Path("results")).runs
    capsys.readouterr()
    arguments = ["export", f"run={record.run_id}", "out=exported"]
    assert main(arguments) == 2
    assert "method=lora has no prefix; format=peft takes its updates" in " ".join(capsys.readouterr().err.split())
    assert main([*arguments, "format=peft"]) == 0
    assert "LoRA of rank 1 for tiny_llama" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("name", ["prefix.safetensors", "."])
def test_no_export_replaces_a_file_of_the_run(finished: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (record,) = load_records(finished).runs
    out = record.directory / name
    assert main(["export", f"run={record.run_id}", f"out={out}", f"results_dir={finished}"]) == 2
    assert "is in the directory of the run itself" in capsys.readouterr().err


def test_no_export_replaces_a_file_of_a_run_that_has_a_committed_record(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(finished / "runs", tmp_path / "runs")
    assert main(["keep", "run=all", f"results_dir={tmp_path}"]) == 0
    (record,) = load_records(tmp_path).runs
    assert record.run_directory is not None
    trained = record.run_directory / "prefix.safetensors"
    before = trained.read_bytes()
    assert main(["export", f"run={record.run_id}", f"out={trained}", f"results_dir={tmp_path}"]) == 2
    assert "is in the directory of the run itself" in capsys.readouterr().err
    assert trained.read_bytes() == before
