"""docs/EXTENDING.md is right: what its code adds runs through all that is done with runs, scores and models."""

import re
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file

from checkout import ROOT
from prefixrun import metrics
from prefixrun.analysis.curves import figures
from prefixrun.analysis.groups import run_groups
from prefixrun.analysis.plots import draw
from prefixrun.cli.main import main
from prefixrun.config.method_specs import METHOD_SPECS, MethodSpec
from prefixrun.config.schema import DecodeConfig, ModelConfig
from prefixrun.decoding.generate import generate
from prefixrun.methods.prefix import FixedPrefix
from prefixrun.metrics.suite import CHOICES, SUITES
from prefixrun.models import architectures
from prefixrun.models.loading import load
from prefixrun.results.records import load_records

PAGE = (ROOT / "docs" / "EXTENDING.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```python\n# ([^\n]+)\n(.*?)^```", PAGE, re.M | re.S))
"""First line of a code block -> what follows it."""


def module_of_page(path: str, name: str) -> ModuleType:
    module = ModuleType(name)
    sys.modules[name] = module  # dataclasses look their module up
    exec(compile(BLOCKS[path], path, "exec"), vars(module))  # noqa: S102 - our own page
    return module


@pytest.fixture
def new_method(monkeypatch: pytest.MonkeyPatch) -> MethodSpec:
    spec: MethodSpec = eval(BLOCKS["an entry of METHOD_SPECS"], {"MethodSpec": MethodSpec})  # noqa: S307
    monkeypatch.setitem(sys.modules, spec.module, ModuleType(spec.module))
    module_of_page("src/prefixrun/methods/shared_prefix.py", spec.module)
    monkeypatch.setitem(METHOD_SPECS, spec.name, spec)
    return spec


SMALL = (
    *(
        "model=tiny_gpt2",
        "method=shared_prefix",
        "method.prefix_dropout=0",
        "train_size=8",
        "train.max_steps=2",
        "test_size=3",
    ),
    *("train.warmup_steps=0", "train.eval_examples=0", "train.batch_size=4", "decode=greedy"),
    *("decode.max_new_tokens=5", "decode.batch_size=3", "results_dir=results", "threads=1"),
)


def succeed(*words: str) -> None:
    assert main(words) == 0


@pytest.mark.usefixtures("elsewhere")
def test_a_new_method_runs_and_is_listed_tabulated_drawn_and_exported(
    new_method: MethodSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    succeed(*SMALL, "prefix_len=2,3", "-m")
    succeed(*SMALL, "prefix_len=2")  # shown beside the paper's rows
    assert "shared prefix 2" in capsys.readouterr().out

    succeed("ls", "method=shared_prefix")
    assert capsys.readouterr().out.count("shared_prefix") >= 2

    runs = load_records(Path("results")).runs
    assert {(run.method, run.prefix_len) for run in runs} == {("shared_prefix", 2), ("shared_prefix", 3)}
    (figure,) = figures(run_groups(runs))
    assert (figure.kind, figure.curves[0].label) == ("prefix_length", new_method.label)
    assert new_method.colour.lower() in draw(figure)["svg"].decode().lower()

    succeed("tables")
    tables = "".join(path.read_text() for path in Path("results/tables").glob("*.md"))
    assert new_method.label in tables
    assert list(Path("results/figures").glob("prefix_length*.png"))

    succeed("verify", runs[0].run_id)
    succeed("export", f"run={runs[0].run_id}", "out=prefix.safetensors")
    exported = load_file("prefix.safetensors")["decoder"]
    assert exported.shape[:2] == (2, 2)
    assert exported.shape[3] == runs[0].prefix_len
    assert torch.equal(exported[0], exported[1])


def test_a_new_method_has_counts_a_budget_and_rules(new_method: MethodSpec, capsys: pytest.CaptureFixture[str]) -> None:
    succeed("params", "model=gpt2_medium", "method=shared_prefix", "budget=1%")
    assert "shared_prefix  prefix_len=72 (budget=1%)  147,456" in capsys.readouterr().out
    assert main(["model=tiny_gpt2", "method=shared_prefix", "method.rank=2"]) == 2
    assert "method.rank=2: is not used by method=shared_prefix, only by lora" in capsys.readouterr().err
    assert main(["--help"]) == 0
    assert "lora, prompt, shared_prefix" in " ".join(capsys.readouterr().out.split())


def test_without_its_entry_it_is_no_method(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["method=shared_prefix"]) == 2
    assert "shared_prefix is no choice of method; there are adapter, adapter_small" in capsys.readouterr().err


def test_a_new_metric_is_scored_and_resampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "length_of_page", ModuleType("length_of_page"))
    length = module_of_page("src/prefixrun/metrics/length.py", "length_of_page").Length()
    monkeypatch.setitem(CHOICES, "LENGTH", length)
    assert metrics.score("chrF,LENGTH", ["one two three", "one"], [["a"], ["b", "c"]])["LENGTH"].value == 2.0
    monkeypatch.setitem(SUITES, "e2e", replace(SUITES["e2e"], metrics=(length,)))
    evaluation = metrics.evaluate("e2e", ["one two three", "one"], [["a"], ["b", "c"]])
    score = evaluation.scores["LENGTH"]
    assert (score.value, score.signature) == (2.0, "refs:var|words:white space|scorer:prefixrun-length.1")
    first = {name: column[:1] for name, column in evaluation.stats.items()}
    assert metrics.aggregate("e2e", first) == {"LENGTH": 3.0}


def test_a_new_model_family_reads_and_decodes_behind_a_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import MistralConfig

    scope = {**vars(architectures), "MistralConfig": MistralConfig}
    exec(BLOCKS["a configuration in architectures.py"], scope)  # noqa: S102
    configurations = {**architectures._CONFIGURATIONS, "tiny_mistral": scope["_tiny_mistral"]}
    monkeypatch.setattr(architectures, "_CONFIGURATIONS", configurations)
    model = ModelConfig(name="tiny_mistral", source="random", architecture="tiny_mistral")  # type: ignore[arg-type]
    backbone = load(model)
    shape = backbone.shape
    torch.manual_seed(1)
    prompts = [backbone.tokenizer.source(text) for text in ("name : Aromi", "food : Thai | area : riverside")]
    decode = DecodeConfig(
        name="beam", beams=3, max_new_tokens=8, length_norm="generated", ban_newlines=False, batch_size=2
    )

    def outputs(scale: float) -> list[list[int]]:
        key_values = scale * torch.randn(shape.layers, 2, shape.kv_heads, 4, shape.head_dim)
        return generate(backbone, FixedPrefix({"decoder": key_values}), prompts, decode)

    assert outputs(1.0) != outputs(5.0), "the prefix decides what is written"
