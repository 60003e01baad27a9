"""Prefixes of other runs as one run: found by id or task, scored like any, and refused where they do not fit."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import prefixrun
from prefixrun.cli.main import main
from prefixrun.errors import ConfigError
from prefixrun.results.loaded import LoadedRun
from prefixrun.results.lookup import find
from prefixrun.results.verify import verify
from prefixrun.runs.configure import compose
from prefixrun.runs.identity import find_run
from prefixrun.runs.result_schema import validate_result
from small_run import SMALL

TINY = ("model=tiny_llama", *(word for word in SMALL if not word.startswith(("method", "init"))))
COMBINED = ("method=prefix_combined", "task=e2e")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("combined") / "results"


@pytest.fixture(scope="module")
def trained(results: Path) -> dict[str, LoadedRun]:
    """Finished runs: two tasks, another seed, another length, other layers, and methods without a prefix."""
    words = {
        "e2e": ("task=e2e",),
        "webnlg": ("task=webnlg",),
        "seed": ("task=e2e", "seed=7"),
        "longer": ("task=e2e", "prefix_len=5"),
        "layers": ("task=e2e", "method.layers=0-0", "seed=8"),
        "lora": ("task=e2e", "method=lora", "method.rank=1"),
    }
    return {
        name: prefixrun.run([*TINY, "method=prefix_flat", *of_run, f"results_dir={results}"])
        for name, of_run in words.items()
    }


def prefix(run: LoadedRun) -> torch.Tensor:
    return load_file(run.directory / "prefix.safetensors")["decoder"]


def test_runs_are_named_by_their_tasks_and_the_combination_is_a_run_of_its_own(
    results: Path, trained: dict[str, LoadedRun]
) -> None:
    words = [*TINY, *COMBINED, "method.runs=e2e+webnlg", "method.combine=concatenate", f"results_dir={results}"]
    run = prefixrun.run(words)
    first, second = trained["e2e"], trained["webnlg"]
    assert torch.equal(prefix(run), torch.cat([prefix(first), prefix(second)], dim=3))
    result = run.result
    assert validate_result(result) == []
    assert result["training"]["start"] == {"run": f"{first.run_id}+{second.run_id}"}
    assert [set(entry) for entry in result["training"]["history"]] == [{"step", "dev_loss"}]
    assert (result["settings"]["prefix_len"], result["settings"]["method"]["sources"]) == (8, "e2e+webnlg")
    assert (result["parameters"]["trained"], result["costs"]["train_steps"]) == (0, 0)
    assert result["parameters"]["stored"] == 2 * first.result["parameters"]["stored"]
    by_id = [word for word in words if not word.startswith("method.runs")]
    by_id += [f"method.runs={first.directory}+{second.run_id[:8]}"]
    assert find_run(compose(by_id)).id == run.run_id
    checks = verify(find(results, run.run_id), regenerate=2)
    assert {check.outcome for check in checks} <= {"right", "not checked"}
    # What is exported is a prefix like any other.
    file = results / "both.safetensors"
    assert main(["export", f"run={run.run_id}", "format=tensors", f"out={file}", f"results_dir={results}"]) == 0
    source, out = "name : Aromi | Type : pub", results / "out.jsonl"
    asked = ["generate", f"prefix={file}", "model=tiny_llama", f"text={source}", "decode=beam5_modern", f"out={out}"]
    assert main(asked) == 0
    assert json.loads(out.read_text())["output"] == run.generate([source], max_new_tokens=100)[0]


def test_one_run_on_another_task_and_seeds_of_one(results: Path, trained: dict[str, LoadedRun]) -> None:
    words = [*TINY, "method=prefix_combined", "task=webnlg", f"results_dir={results}"]
    alone = compose([*words, "method.runs=e2e", "method.combine=average"])
    assert (alone.method.runs, alone.method.sources, alone.prefix_len) == (trained["e2e"].run_id, "e2e", 4)
    seeds = compose([*words, "method.runs=e2e+e2e@7", "method.combine=average", "method.weights=3:1"])
    assert seeds.method.runs == f"{trained['e2e'].run_id}+{trained['seed'].run_id}"
    assert seeds.method.digest != alone.method.digest
    assert compose([*words, f"method.runs={trained['layers'].run_id}", "method.combine=sum"]).method.layers == "0-0"


@pytest.mark.parametrize(
    ("runs", "more", "message"),
    [
        ("e2e+webnlg", (), r"^method\.combine: is not set; give one of concatenate, average, sum, keys_values"),
        (
            "e2e@9",
            ("concatenate",),
            r"^method\.runs=e2e@9: no finished run of a prefix on e2e in .*, and seed=9; do that",
        ),
        ("0123456789ab", ("average",), r"^method\.runs=0123456789ab: no finished run of .* has this id"),
        (
            "e2e+{longer}",
            ("average",),
            r"^method\.runs: the prefixes of runs .* have the lengths 4 and 5; name runs of",
        ),
        (
            "e2e+{layers}",
            ("concatenate",),
            r"different places \(method\.sites=all and method\.sites=all, method\.layers=0-0\)",
        ),
        ("e2e+{lora}", ("average",), r"^method\.runs=.*: is a run of method=lora, which has no keys and values"),
        ("e2e", ("keys_values",), r"^method\.runs: method\.combine=keys_values takes two runs, and there are 1"),
        ("e2e+webnlg", ("sum", "method.weights=1"), r"^method\.weights=1: 1 weights for 2 runs; give one for each"),
        ("e2e", ("concatenate", "method.weights=1"), r"is only used by method\.combine=average and sum; leave it out"),
        ("e2e+webnlg", ("average", "method.weights=1:-1"), r"an average divides by their sum, which must be positive"),
        ("e2e", ("average", "model=tiny_gpt2"), r"^method\.runs=e2e: no finished run of a prefix on e2e"),
        ("{e2e}", ("average", "model.layers=1"), r"^method\.runs=.*: was trained on tiny_llama, and .*_first1, other "),
        (
            "{e2e}",
            ("average", "model=tiny_gpt2"),
            r"^method\.runs=.*: was trained on tiny_llama with .*, and model=tiny_",
        ),
        (
            "e2e",
            ("average", "method=prefix_flat"),
            r"^method\.runs=e2e: is not used by method=prefix_flat, only by prefix_c",
        ),
    ],
)
def test_what_cannot_be_combined_is_refused(
    results: Path, trained: dict[str, LoadedRun], runs: str, more: tuple[str, ...], message: str
) -> None:
    named = runs.format(**{name: run.run_id for name, run in trained.items()})
    combine = [f"method.combine={more[0]}"] if more else []
    with pytest.raises(ConfigError, match=message):
        compose([*TINY, *COMBINED, f"results_dir={results}", f"method.runs={named}", *combine, *more[1:]])


def test_two_runs_that_fit_and_a_file_that_is_gone(tmp_path: Path) -> None:
    words = [*TINY, f"results_dir={tmp_path}"]
    first = prefixrun.run([*words, "method=prefix_flat"])
    asked = [*words, *COMBINED, "method.combine=average", "method.runs=e2e"]
    (first.directory / "prefix.safetensors").rename(tmp_path / "away")
    with pytest.raises(
        ConfigError, match=r"^method\.runs=.*: prefix\.safetensors is not there: committed records and runs"
    ):
        compose(asked)
    (tmp_path / "away").rename(first.directory / "prefix.safetensors")
    again = prefixrun.run([*words, "method=prefix_flat", "test_size=2"])
    assert (again.directory / "prefix.safetensors").read_bytes() == (
        first.directory / "prefix.safetensors"
    ).read_bytes()
    compose(asked)  # one training, decoded twice
    second = prefixrun.run([*words, "method=prefix_flat", "init=random"])
    ids = "|".join((first.run_id, second.run_id))
    with pytest.raises(ConfigError, match=rf"^method\.runs=e2e: 2 runs fit \(({ids}), ({ids})\); name one by its id"):
        compose(asked)
