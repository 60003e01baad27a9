"""A new method is one module and one entry: here a prefix that all layers share, through all that is done with runs."""

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from prefixrun.analysis.curves import figures
from prefixrun.analysis.groups import run_groups
from prefixrun.analysis.plots import draw
from prefixrun.cli.main import main
from prefixrun.config.method_specs import METHOD_SPECS, MethodSpec
from prefixrun.config.schema import Config
from prefixrun.methods.base import PrefixKeyValues
from prefixrun.methods.prefix import FixedPrefix, Prefix
from prefixrun.models.backbone import Backbone
from prefixrun.results.records import load_records

SPEC = MethodSpec(
    name="shared_prefix",
    module="shared_prefix",
    label="prefix shared by the layers",
    short_label="shared prefix",
    colour="#F0E442",
    marker="*",
    size_key="prefix_len",
    settings=("init_words",),
    has_init=True,
    stores_prefix=True,
)


class SharedPrefix(Prefix):
    """Keys and values that stand in front of every layer alike."""

    def __init__(self, layers: int, kv_heads: int, prefix_len: int, head_dim: int) -> None:
        super().__init__(prefix_len)
        self.layers = layers
        self.shared = nn.Parameter(torch.randn(2, kv_heads, prefix_len, head_dim))

    def sites(self) -> dict[str, Tensor]:
        return {"decoder": self.shared.expand(self.layers, *self.shared.shape)}


def build(config: Config, backbone: Backbone) -> SharedPrefix:
    shape = backbone.shape
    return SharedPrefix(shape.layers, shape.kv_heads, config.prefix_len, shape.head_dim)


def restore(config: Config, backbone: Backbone, tensors: PrefixKeyValues) -> FixedPrefix:
    return FixedPrefix(tensors)


@pytest.fixture
def new_method(monkeypatch: pytest.MonkeyPatch) -> MethodSpec:
    module = ModuleType(SPEC.module)
    module.build, module.restore = build, restore  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, SPEC.module, module)
    monkeypatch.setitem(METHOD_SPECS, SPEC.name, SPEC)
    return SPEC


SMALL = (
    *("model=tiny_gpt2", "method=shared_prefix", "init=random", "train_size=8", "train.max_steps=2", "test_size=3"),
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
    assert (figure.kind, figure.curves[0].label) == ("prefix_length", SPEC.label)
    assert SPEC.colour.lower() in draw(figure)["svg"].decode().lower()

    succeed("tables")
    tables = "".join(path.read_text() for path in Path("results/tables").glob("*.md"))
    assert SPEC.label in tables
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
    assert "lora, prompt, shared_prefix" in capsys.readouterr().out


def test_without_its_entry_it_is_no_method(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["method=shared_prefix"]) == 2
    assert "shared_prefix is no choice of method; there are adapter, adapter_small" in capsys.readouterr().err
